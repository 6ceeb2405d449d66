"""The documentation site builds without a warning, makes no request, and is complete."""

import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from aevb.config.tree import options
from helpers.commands import REPOSITORY
from helpers.webdriver import CHROMEDRIVER, CHROMIUM, browser

pytestmark = [pytest.mark.slow, pytest.mark.process]
LOADED = {"script": "src", "img": "src", "iframe": "src", "link": "href", "source": "src", "video": "src"}
NOT_LOADED = ("canonical", "alternate")  # relations of a link that a browser does not fetch


class Page(HTMLParser):
    """What a page loads, links to, and can be linked at."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path, self.loaded, self.links, self.ids = path, set[str](), set[str](), set[str]()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.ids |= {attributes[name] for name in ("id", "name") if attributes.get(name)}
        if tag == "a" and attributes.get("href"):
            self.links.add(attributes["href"])
        if tag in LOADED and attributes.get(LOADED[tag]) and attributes.get("rel") not in NOT_LOADED:
            self.loaded.add(attributes[LOADED[tag]])


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    output = tmp_path_factory.mktemp("site") / "html"
    words = [sys.executable, "-m", "sitegen", "--no-notebooks", "--output", str(output)]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "docs"), "PYTHONWARNINGS": "default"}
    done = subprocess.run(words, cwd=REPOSITORY, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr  # a warning is an error
    return output


@pytest.fixture(scope="module")
def pages(site):
    return {path: Page(path) for path in site.rglob("*.html") if "_static" not in path.parts}


def test_nothing_is_loaded_from_another_site(site, pages):
    assert len(pages) > 100
    faults = {(str(page.path.relative_to(site)), url) for page in pages.values() for url in page.loaded if outside(url)}
    assert faults == set()
    styles = [path.read_text(encoding="utf-8") for path in (site / "_static").rglob("*.css")]
    assert [url for style in styles for url in re.findall(r"url\([\"']?([^)\"']+)", style) if outside(url)] == []


def outside(url: str) -> bool:
    return bool(urlsplit(url).netloc) or urlsplit(url).scheme in ("http", "https")


def test_what_a_page_loads_exists(pages):
    assert [(str(page.path), url) for page in pages.values() for url in page.loaded if missing(page, url, pages)] == []


def test_internal_links_resolve(pages):
    faults = [
        (str(page.path), url)
        for page in pages.values()
        for url in page.links
        if not urlsplit(url).scheme and missing(page, url, pages)
    ]
    assert faults == []


def missing(page: Page, url: str, pages: dict[Path, Page]) -> bool:
    """Whether the file of a relative URL, or its fragment, does not exist."""
    parts = urlsplit(url)
    if parts.scheme == "data":
        return False
    path = (page.path.parent / unquote(parts.path)).resolve() if parts.path else page.path
    if not path.exists():
        return True
    return bool(parts.fragment) and path in pages and unquote(parts.fragment) not in pages[path].ids | {"", "top"}


def test_the_search_finds_importance(site):
    text = (site / "searchindex.js").read_text(encoding="utf-8")
    index = json.loads(text.removeprefix("Search.setIndex(").removesuffix(")"))
    assert any(word.startswith("import") for word in index["terms"])
    names = {
        index["docnames"][page] for page in listed(index["terms"]["import"]) | listed(index["titleterms"]["import"])
    }
    assert "reference/configuration/evaluator" in names


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="apt-get install chromium")
def test_a_browser_finds_importance(site):
    url = f"{(site / 'search.html').as_uri()}?q=importance"
    words = [
        "chromium",
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--virtual-time-budget=20000",
        "--dump-dom",
        url,
    ]
    shown = subprocess.run(words, capture_output=True, text=True, timeout=120, check=True).stdout
    assert re.search(r"found \d+ pages", shown)
    assert "aevb.estimators.importance" in re.sub(r"<[^>]+>", "", shown)


@pytest.mark.browser
@pytest.mark.skipif(None in (CHROMIUM, CHROMEDRIVER), reason="apt-get install chromium chromium-driver")
def test_a_table_can_be_read_on_a_phone(site):
    """The column that explains a command or a key has room for words, and the page does not scroll sideways."""
    with browser() as window, window.width(360):
        for page in ("commands.html", "reference/configuration/evaluation.html", "results/index.html"):
            window.open(site / page)
            cells = "return [...document.querySelectorAll('td:last-child')].filter((td) => td.textContent.length > 40).map((td) => td.offsetWidth)"
            assert min([*window.run(cells), 400]) > 140, page
            assert window.run("return document.documentElement.scrollWidth") == 360, page


def listed(value: int | list[int]) -> set[int]:
    return {value} if isinstance(value, int) else set(value)


def test_every_option_is_in_the_reference(site):
    reference = site / "reference" / "configuration"
    text = (reference / "evaluation.html").read_text(encoding="utf-8")
    assert "evaluation.every" in text
    assert "an integer &gt;= 1 or null" in text
    for group in ("objective", "evaluator", "data", "model"):
        page = (reference / f"{group}.html").read_text(encoding="utf-8")
        assert [name for name in options(group) if f"{group}={name}" not in page] == []
    assert [name for name in options("experiment") if not (site / "experiments" / f"{name}.html").exists()] == []


def test_formulas_need_no_script(site):
    assert [path.name for path in (site / "_static").rglob("*") if "mathjax" in path.name.lower()] == []


CLICKS = {
    "results/index.html": "−0.01",  # how far Figure 2 is off at 1e7
    "how-to/own-model.html": "from_torch_distributions",
    "reference/configuration/evaluation.html": "evaluation.every",
    "how-to/own-decoder.html": "DeepDecoder",
    "pitfalls.html": "bce_as_marginal_likelihood",
}


@pytest.mark.parametrize("answer", CLICKS)
def test_the_start_page_answers_in_one_click(site, pages, answer):
    start = site / "index.html"
    assert answer in {urlsplit(url).path for url in pages[start].links}
    assert CLICKS[answer] in re.sub(r"<[^>]+>", "", (site / answer).read_text(encoding="utf-8"))
