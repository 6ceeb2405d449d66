"""The report in a headless Chromium: no error, no request, sort, filter, pages, differences, and accessibility by axe-core.

The screenshots stay in the tests' temporary folder, or in AEVB_SCREENSHOTS if that is set. axe-core is installed by npm into a
temporary folder, or taken from AEVB_AXE (the path of axe.min.js).
"""

import csv
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aevb.files.atomic import write_json
from aevb.report import Options, build_report, write_report
from aevb.runs.status import Row, rows_of
from helpers.axe import axe_source, serious_violations
from helpers.figure_runs import plant
from helpers.webdriver import CHROMEDRIVER, CHROMIUM, Browser

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(None in (CHROMIUM, CHROMEDRIVER), reason="apt-get install chromium chromium-driver"),
    pytest.mark.usefixtures("nothing_is_chosen"),
]
COMMITTED = Path(__file__).parents[2] / "results" / "runs"
NAMES = "return [...document.querySelectorAll('#table tbody tr:not([hidden]) th')].map((head) => head.textContent)"

DETAILS = """return [...document.querySelectorAll('#details > details')].map((run) => [
    run.querySelector('summary').lastChild.textContent.trim(), run.querySelector('.csv').textContent])"""
CELLS = """const row = [...document.querySelectorAll('#table tr')].find((row) => row.cells[0].textContent === arguments[0]);
    return [...row.cells].map((cell) => cell.dataset.v)"""

SAVED = "HTMLAnchorElement.prototype.click = function () { window.saved = decodeURIComponent(this.href); }"


def test_no_error_and_no_request(window: Browser, page: Path) -> None:
    window.log("browser"), window.requests()
    window.open(page)
    window.wait("document.querySelector('.js')")
    assert [entry["message"] for entry in window.log("browser")] == []
    assert [url for url in window.requests() if not url.startswith(("data:", page.resolve().as_uri()))] == []
    picture = np.asarray(
        Image.open(window.picture(Path(os.environ.get("AEVB_SCREENSHOTS", page.parent)) / "report.png"))
    )
    assert len(np.unique(picture.reshape(-1, picture.shape[-1]), axis=0)) > 50


def test_sort_filter_and_chips(window: Browser, page: Path) -> None:
    window.open(page)
    column = "#table th[data-key='latent_dim'] button"
    window.click(column)
    window.type(column, " ")  # by the keyboard: now descending
    assert (
        window.run("return document.querySelector('th[data-key=latent_dim]').getAttribute('aria-sort')") == "descending"
    )
    assert ["latent_dim20" in name for name in window.run(NAMES)] == [True] * 3 + [False] * 3
    window.type("#filter", "latent_dim10 seed1")
    assert len(window.run(NAMES)) == 1
    window.close()
    window.open(page)
    window.type("#filter", "latent_dim=20 last_test_bound>-112.5 nosuchkey=1")
    assert window.run(NAMES) == []
    assert window.text("#shown") == "0 of 6 runs: no column nosuchkey"
    conditions = [
        ("latent_dim=20 last_test_bound>-112.5", 2),
        ("batch_size=100 lr<=1e-2 lr>0.005", 6),  # settings that are the same in all runs have no column
        ("lr=0.5", 0),
        (window.run("return filter.placeholder").removeprefix("words or "), 1),
    ]
    for text, number in conditions:
        window.run("filter.value = arguments[0]; filter.dispatchEvent(new Event('input'))", text)
        assert (text, len(window.run(NAMES))) == (text, number)
        assert window.text("#shown") == f"{number} of 6 runs"
    window.close()
    window.open(page)
    window.click(".chip[data-key=seed][data-value='2']")
    assert window.text("#shown") == "2 of 6 runs"
    shown = "[...document.querySelectorAll('.view-1 .seed')].filter((seed) => getComputedStyle(seed).display !== 'none').length"
    assert window.run(f"return {shown}") == 2
    window.click("#clear")
    assert window.run(f"return {shown}") == 6


def test_numbers_are_sorted_by_size_among_texts(window: Browser, tmp_path: Path) -> None:
    for value in ("0.3", "0.25", "10.0", "null"):
        plant(tmp_path / "runs", f"clip_norm={value}", train={100: -300.0})
    (tmp_path / "runs" / "clip_norm10.0" / "metrics.csv").write_text(
        "samples_seen,train_bound,test_bound\n100,-inf,-inf\n"
    )
    write_report(rows_of(tmp_path / "runs"), tmp_path / "report.html")
    window.open(tmp_path / "report.html")
    column = "#table th[data-key=clip_norm] button"
    window.click(column)
    assert window.run(NAMES) == ["clip_norm0.25", "clip_norm0.3", "clip_norm10.0", "clip_normnull"]
    window.click(column)
    assert window.run(NAMES) == ["clip_normnull", "clip_norm10.0", "clip_norm0.3", "clip_norm0.25"]
    window.run("document.querySelector('#table th[data-key=last_test_bound] button').click()")
    assert window.run(NAMES)[0] == "clip_norm10.0"
    window.type("#filter", "last_test_bound<-1e9")
    assert window.run(NAMES) == ["clip_norm10.0"]


def test_a_saved_chart_has_a_background_a_title_and_names(window: Browser, page: Path) -> None:
    window.open(page)
    window.run(SAVED)
    window.run("document.querySelector('.view-1 .save').click()")
    content = "new DOMParser().parseFromString(saved.slice(saved.indexOf(',') + 1), 'image/svg+xml').documentElement"
    assert window.run(f"return {content}.firstElementChild.nextElementSibling.getAttribute('class')") == "back"
    texts = window.run(f"return [...{content}.querySelectorAll('text')].map((item) => item.textContent)")
    assert {"MNIST, latent_dim 10: lower bound", "AEVB", "paper, aevb, test"} <= set(texts)
    assert window.run("return saved.includes('.back{fill:#fff}')")


def test_a_legend_is_that_of_its_chart(window: Browser, tmp_path: Path) -> None:
    train = {10**4: -300.0, 10**5: -180.5, 10**6: -130.0}
    for overrides in (
        ["latent_dim=3"],
        ["latent_dim=3", "data.targets=dynamic"],
        ["latent_dim=5"],
        ["latent_dim=5", "objective=iwae"],
        ["latent_dim=10", "hidden_dim=100"],
    ):
        plant(tmp_path / "runs", *overrides, train=train)
    write_report(rows_of(tmp_path / "runs"), tmp_path / "report.html")
    window.open(tmp_path / "report.html")
    keys = """return [...document.querySelectorAll('.view-1 figure')].map((figure) =>
        [...figure.querySelectorAll('.key')].map((key) => key.textContent.trim()))"""
    assert window.run(keys) == [["AEVB", "AEVB, data.targets=dynamic"], ["AEVB", "importance-weighted"], ["AEVB"]]
    lines = """return [...document.querySelectorAll('.view-1 figure')].map((figure) =>
        [...figure.querySelectorAll('g.line.test')].filter((line) => line.style.display !== 'none').length)"""
    assert window.run(lines) == [2, 2, 1]
    window.run("document.querySelectorAll('.view-1 figure')[1].querySelector('.key').click()")
    assert window.run(lines) == [1, 1, 1]  # AEVB alone in both charts that have it; the third has another line
    window.run("document.querySelectorAll('.view-2 figure')[0].querySelector('.key').click()")
    assert window.run(lines) == [2, 2, 1]
    window.run(SAVED)
    window.run("document.querySelectorAll('.view-1 .save')[2].click()")
    assert "AEVB</text>" in window.run("return saved")
    assert "dynamic" not in window.run("return saved")
    assert "importance-weighted" not in window.run("return saved")


@pytest.mark.parametrize("width", [360, 1400])
def test_nothing_is_wider_than_the_window(width: int, window: Browser, tmp_path: Path) -> None:
    for name in ("a" * 200, "b" * 200):
        directory = plant(tmp_path / "runs", "latent_dim=10", train={100: -300.0})
        value = {"mean": -1.5, "standard_error": 0.5}
        facts = {"name": "bound", "split": "test", "n": 1, "quantity": "bound", "settings": {}, "seed": 0, **value}
        write_json(directory / "evaluation" / f"{'c' * 60}.json", {**facts, "values": {"bound": value}})
        directory.rename(directory.parent / name)
    write_report(rows_of(tmp_path / "runs"), tmp_path / "report.html", Options(title="c" * 300))
    with window.width(width):
        window.open(tmp_path / "report.html")
        assert window.run("return document.documentElement.clientWidth") == width
        assert window.run("return document.documentElement.scrollWidth") == width


def test_names_of_runs_stay_beside_the_columns(window: Browser, page: Path) -> None:
    with window.width(360):
        window.open(page)
        at = """const scroll = document.querySelector('#runs .scroll'); scroll.scrollLeft = arguments[0];
            const box = scroll.getBoundingClientRect(), name = document.querySelector('#row-0 th').getBoundingClientRect();
            const corner = document.querySelector('#table thead th').getBoundingClientRect();
            return [scroll.scrollLeft, name.left - box.left, corner.left - box.left, name.width / innerWidth]"""
        _, left, corner, _ = window.run(at, 0)
        scrolled, *lefts, share = window.run(at, 300)
        assert (scrolled, *lefts) == (300, left, corner)
        assert 0.2 < share < 0.55
        under = "return document.elementFromPoint(...arguments).closest('tr').firstElementChild.textContent"
        box = "const box = document.querySelector('#row-5 th').getBoundingClientRect(); return [box.left + 20, box.top + 9]"
        window.run("document.querySelector('#row-5').scrollIntoView({ block: 'center' })")
        assert window.run(under, *window.run(box)) == window.run(
            "return document.querySelector('#row-5 th').textContent"
        )
        order = "return [...document.querySelectorAll('#table tr:first-child>:nth-child(-n+2)')].map((cell) => getComputedStyle(cell).zIndex)"
        assert window.run(order) == [
            "2",
            "1",
            "auto",
            "auto",
        ]  # the corner lies over the head, and the head over the names


def test_views_legend_details_and_difference(window: Browser, page: Path) -> None:
    window.open(page)
    visible = "return [...document.querySelectorAll('.view')].filter((view) => view.offsetHeight).length"
    assert window.run(visible) == 1
    window.run("""const chart = document.querySelector('.view-1 svg.chart'), box = chart.getBoundingClientRect();
        chart.dispatchEvent(new PointerEvent('pointermove', { clientX: box.left + 0.56 * box.width, clientY: box.top + 50 }));""")
    assert window.text("#tip") == "100,000 samples-182.50  AEVB, 3 seeds"
    window.run("document.querySelector('svg.chart').dispatchEvent(new PointerEvent('pointerleave'))")
    assert window.run("return tip.hidden")
    window.click("#show-3")
    assert window.run(visible) == 1
    assert window.run("return document.querySelector('.view-3 .zero') !== null"), "the difference view has a zero line"
    window.click("#show-1")
    window.click(".view-1 .key")
    pressed = "return [...document.querySelectorAll('.key')].map((key) => key.getAttribute('aria-pressed'))"
    assert set(window.run(pressed)) == {"true"}, "the line is alone in every chart and view that has it"
    window.click("#row-4 a")
    window.wait("document.getElementById('run-4').open")
    compared = "return [...document.querySelectorAll('#compared tbody tr')].map((row) => [...row.cells].map((c) => c.textContent))"
    assert window.run(compared), "the first two runs are compared before a menu is used"
    assert window.run("return document.getElementById('compared').checkVisibility()")
    window.run("const s = document.getElementById('run-b'); s.value = '3'; s.dispatchEvent(new Event('change'))")
    assert ["latent_dim", "10", "20", "+10"] in window.run(compared)
    script = "const cells = [...document.querySelectorAll('#row-0 td, #row-3 td')].filter((cell) => cell.textContent === '1,000,000');"
    window.run(
        script
        + "cells[0].textContent = '4,000,000'; run_a = document.getElementById('run-a'); run_a.dispatchEvent(new Event('change'))"
    )
    assert "-3,000,000" in window.run(
        "return [...document.querySelectorAll('#compared td')].map((cell) => cell.textContent)"
    )


def test_numbers_are_those_of_the_csv_files(window: Browser, page: Path) -> None:
    window.open(page)
    texts = window.run(DETAILS)
    assert len(texts) == 6
    for name, text in texts:
        assert text == (page.parent / "runs" / name / "metrics.csv").read_text()
        last = list(csv.DictReader(text.splitlines()))[-1]
        assert str(float(last["test_bound"])) in window.run(CELLS, name)


def test_packed_downloads_are_unpacked(window: Browser, tmp_path: Path) -> None:
    rows = rows_of(COMMITTED)[::4]
    write_report(rows, tmp_path / "committed.html")
    assert (tmp_path / "committed.html").stat().st_size < 20_000 * len(rows)  # 122 runs: 1.5 MB
    window.open(tmp_path / "committed.html")
    window.run("""URL.createObjectURL = (blob) => { window.saved = blob; return "blob:test"; };
        HTMLAnchorElement.prototype.click = function () { window.savedName = this.download; }""")
    window.click("#downloads a[download='curves.csv.gz']")
    window.wait("window.savedName")
    assert window.run("return window.savedName") == "curves.csv"
    lines = window.run("return window.saved.text()").splitlines()
    expected = sum(len((Path(row.run) / "metrics.csv").read_text().splitlines()) - 1 for row in rows)
    assert len(lines) == 1 + expected


def test_without_javascript_all_is_there(page: Path) -> None:
    text = page.read_text()
    body = text[text.index("<main>") : text.index("<script>")]
    assert body.count('<svg viewBox="0 0 380') == body.count("<figcaption>")
    assert body.count('<tr id="row-') == 6


def test_five_thousand_runs_are_paged(window: Browser, tmp_path: Path) -> None:
    rows = [Row(f"{tmp_path}/run{index:04}", "missing", 0, 1000, "", f"seed={index}") for index in range(5000)]
    path = tmp_path / "many.html"
    path.write_text(build_report(rows))
    assert path.stat().st_size < 10_000_000
    window.open(path)
    assert len(window.run(NAMES)) == 100
    window.click("#next")
    assert window.run(NAMES)[0] == "run0100"
    assert window.text("#page") == "page 2 of 50"
    window.type("#filter", "run4999")
    assert window.run(NAMES) == ["run4999"]


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The source of axe-core."""
    return axe_source(tmp_path_factory.mktemp("axe"))


@pytest.mark.parametrize("committed", [False, True], ids=["planted", "committed"])
def test_axe_reports_no_serious_violation(
    committed: bool, window: Browser, page: Path, axe: str, tmp_path: Path
) -> None:
    if committed:
        page = tmp_path / "committed.html"
        write_report(rows_of(COMMITTED)[::12], page)
    window.open(page)
    window.run("document.querySelectorAll('details').forEach((item, i) => { if (i < 12) item.open = true; })")
    assert serious_violations(window, axe) == []
