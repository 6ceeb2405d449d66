"""The explorer in a headless Chromium: dragged, drawn on, typed at, and asked what it shows.

The screenshots stay in the tests' temporary folder, or in AEVB_SCREENSHOTS if that is set. axe-core is installed by npm into a
temporary folder, or taken from AEVB_AXE (the path of axe.min.js).
"""

import csv
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aevb.explorer.page import render
from helpers.axe import axe_source, serious_violations
from helpers.explorer_pages import Page
from helpers.webdriver import CHROMEDRIVER, CHROMIUM, Browser, browser

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None or CHROMEDRIVER is None, reason="apt-get install chromium chromium-driver"),
]

READY = "document.querySelector('#selftest').className"
DRAW = [(0.3, 0.2), (0.7, 0.2), (0.5, 0.8)]


@pytest.fixture(scope="module")
def window() -> Iterator[Browser]:
    with browser() as window:
        yield window


def opened(window: Browser, file: Path, fragment: str = "") -> Browser:
    window.close()
    window.log("browser"), window.requests()
    window.open(file, fragment)
    window.wait(READY)
    return window


def settled(window: Browser) -> str:
    """The numbers of x when nothing moves."""
    window.wait("document.querySelector('#numbers').getAttribute('aria-busy') === 'false' && !state.drawing", 30)
    return window.text("#n-elbo")


def test_opens_without_errors_or_requests(window: Browser, pages: dict[str, Page], tmp_path: Path) -> None:
    for name, page in pages.items():
        opened(window, page.file)
        assert window.text("#selftest").startswith("Self-test passed"), window.text("#selftest")
        assert window.log("browser") == []
        assert {address.partition(":")[0] for address in window.requests()} <= {"file", "blob", "about", "data"}
        picture = window.picture(Path(os.environ.get("AEVB_SCREENSHOTS", tmp_path)) / f"{name}.png")
        pixels = np.asarray(Image.open(picture).convert("RGB"))
        assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 200, "the screenshot is empty"


@pytest.mark.parametrize("pointer", ["mouse", "touch"])
def test_dragging_moves_z(window: Browser, page: Page, pointer: str) -> None:
    opened(window, page.file)
    if pointer == "touch":
        window.resize(500, 900)  # the narrowest window of Chromium
        assert window.run("return document.documentElement.scrollWidth <= innerWidth")
        window.resize(1480, 1000)
    before = window.run("return decoded.toDataURL()")
    window.drag("#plane", (0.5, 0.5), (0.6, 0.4), (0.75, 0.25), pointer=pointer)
    radius = window.run("return current.info.radius")
    assert window.run("return state.z") == pytest.approx([radius / 2, radius / 2], abs=0.03)
    window.wait("location.hash.includes('z=')")
    assert window.run("return decoded.toDataURL()") != before
    assert window.log("browser") == []


def test_drawing_gives_numbers(window: Browser, page: Page) -> None:
    opened(window, page.file)
    before = settled(window)
    window.click("#clear")
    window.drag("#pad", *DRAW)
    after = settled(window)
    assert after != before
    assert window.run("return state.x.filter((v) => v > 0.5).length") > 5
    assert "computing" not in window.text("#n-logpx")
    assert saved_numbers(window)["image"] == ("drawing", "")
    window.click("#undo")
    assert window.run("return state.x.every((v) => v === 0)")
    window.click("#gallery button:nth-child(3)")
    assert window.run("return state.image") == 2
    assert settled(window) != after

    # The numbers as CSV: what they are of, and each with its unit.
    window.run("current.info.name = 'a \"b\", c'")
    numbers, index = saved_numbers(window), window.run("return current.info.images.index[2]")
    assert (numbers["run"], numbers["image"]) == (('a "b", c', ""), (str(index), ""))
    assert numbers["class"] == (str(window.run("return current.info.images.label[2]")), "")
    answer = window.run("return current.answer")
    grid, importance = answer["grid"], answer["importance"]
    for name, unit, value in (
        ("elbo", "nats", answer["elbo"]),
        ("elbo_standard_error", "nats", answer["standardError"]),
        ("log_px_grid", "nats", grid["logPx"]),
        ("log_px_grid_error", "nats", grid["error"]),
        ("log_px_importance", "nats", importance["logPx"]),
        ("importance_samples", "", 50),
        ("ess", "samples", importance["ess"]),
        ("pareto_k", "", importance["paretoK"]),
        ("pareto_k_threshold", "", importance["threshold"]),
        ("mean_1", "", window.run("return current.q.mean[0]")),
        ("log_var_2", "", window.run("return current.q.logVar[1]")),
    ):
        assert (float(numbers[name][0]), numbers[name][1]) == (pytest.approx(value, abs=1e-5), unit), name
    assert window.log("browser") == []


def saved_numbers(window: Browser) -> dict[str, tuple[str, str]]:
    """The value and the unit of each row of the CSV file."""
    window.run("window.save = (name, blob) => { window.saved = blob; }")
    window.click("#save-csv")
    header, *rows = csv.reader(window.run("return saved.text()").splitlines())
    assert header == ["quantity", "value", "unit"]
    return {quantity: (value, unit) for quantity, value, unit in rows}


def test_keyboard(window: Browser, page: Page) -> None:
    opened(window, page.file)
    z = window.run("return state.z")
    window.type("#plane", "\ue014\ue014\ue013")  # right, right, up
    assert window.run("return state.z") == pytest.approx([z[0] + 0.1, z[1] + 0.05])
    window.click("#clear")
    window.type("#pad", "\ue012\ue013 ")  # left, up, space
    assert window.run("return state.x.filter((v) => v > 0.5).length") > 0
    assert window.log("browser") == []


def test_sliders(window: Browser, pages: dict[str, Page]) -> None:
    opened(window, pages["gaussian"].file)
    kl = pages["gaussian"].model.prior().mean.shape[-1]
    shown = window.run("return [...document.querySelectorAll('.slider .kl')].map((e) => parseFloat(e.textContent))")
    assert len(shown) == kl
    assert shown == sorted(shown, reverse=True)
    first = window.run("return document.querySelector('.slider input').id")
    before = window.run("return state.z")
    window.run("document.querySelectorAll('details').forEach((e) => (e.open = true))")
    window.type(f"#{first}", "\ue014")
    after = window.run("return state.z")
    moved = [j for j in range(kl) if before[j] != after[j]]
    assert moved == [int(first.removeprefix("z-"))]
    assert "at least" in settled(window) + window.text("#n-logpx")

    # q(z|x) and the plane may go beyond 4: a key then moves z by one step.
    j = moved[0]
    window.run("current.info.radius = 6; buildSliders()")
    window.run("update({ z: state.z.map((v, k) => (k === arguments[0] ? 5.37 : v)), dimension: arguments[0] })", j)
    window.wait(f"document.querySelector('#value-{j}').textContent === '5.37'")
    window.type(f"#{first}", "\ue014")
    assert window.run("return state.z")[j] == pytest.approx(5.38)
    window.wait(
        "document.querySelector('#traversal').textContent.startsWith('−5.50') && traversal.children.length === 9"
    )
    window.run("update({ z: state.z.map((v, k) => (k === arguments[0] ? -7.3 : v)) })", j)  # as a link may say
    window.wait(f"document.querySelector('#{first}').value === '-7.3'")
    assert window.log("browser") == []


def test_class_of_a_conditional_model(window: Browser, pages: dict[str, Page]) -> None:
    opened(window, pages["conditional"].file)
    assert "log p(x|y) by the grid" in window.text("#selftest")
    window.click("#gallery button:nth-child(5)")
    label = window.run("return current.info.images.label[4]")
    assert label == window.run("return state.label") == int(window.run("return document.querySelector('#class').value"))
    window.wait("current.gridProgress === 1 && current.answer?.final && current.answer.grid")
    before = window.run("return [current.answer.grid.logPx, ...pictureOf([0.5, 0.5], 'mean', 0)]")
    window.run("const s = document.querySelector('#class'); s.value = 7; s.dispatchEvent(new Event('change'))")
    window.wait(
        "current.gridProgress === 1 && current.answer?.final && current.answer.grid && location.hash.includes('y=7')"
    )
    after = window.run("return [current.answer.grid.logPx, ...pictureOf([0.5, 0.5], 'mean', 0)]")
    assert abs(after[0] - before[0]) > 1e-4
    assert max(abs(a - b) for a, b in zip(after[1:], before[1:], strict=True)) > 1e-4
    window.wait("/passed/.test(selftest.textContent)")
    assert window.log("browser") == []


def test_address_restores_everything(window: Browser, page: Page) -> None:
    opened(window, page.file)
    window.click("#clear")
    window.drag("#pad", *DRAW)
    window.drag("#plane", (0.5, 0.5), (0.3, 0.6))
    window.run("update({ background: 'manifold', seed: 7, ends: [2, 5], dimension: 1, show: 'draw' })")
    keys = ["z", "x", "image", "background", "seed", "ends", "dimension", "show", "follow"]
    script = "return JSON.stringify(arguments[0].map((k) => Array.from(state[k].length ? state[k] : [state[k]])))"
    elbo = settled(window)
    window.wait("location.hash.includes('seed=7')")
    fragment, before = window.run("return location.hash"), json.loads(window.run(script, keys))
    opened(window, page.file, fragment)
    after = json.loads(window.run(script, keys))
    for key, one, other in zip(keys, before, after, strict=True):
        assert other == (pytest.approx(one, abs=0.001) if key == "z" else one), key
    assert settled(window) == elbo


def test_invalid_addresses_are_ignored(window: Browser, page: Page) -> None:
    for fragment in ("#z=1,nan", "#z=1", "#run=99&image=-4", "#x=%%%", "#x=AAAA", "#axes=0,9&bg=%3Cb%3E&seed=1e400"):
        opened(window, page.file, fragment)
        assert window.run("return state.x.length === 64 && state.z.every(Number.isFinite) && state.run === 0"), fragment
        assert window.log("browser") == []


def test_self_test_shows_a_wrong_model(window: Browser, page: Page, tmp_path: Path) -> None:
    text = page.file.read_text()
    values = re.search(r'"elbo":\[(-?[\d.]+)', text)
    assert values
    wrong = tmp_path / "wrong.html"
    wrong.write_text(text.replace(values.group(), f'"elbo":[{float(values.group(1)) + 0.06}', 1))
    opened(window, wrong)
    assert window.text("#selftest").startswith("Self-test FAILED")
    colour = window.run("return getComputedStyle(document.querySelector('#selftest')).color")
    red, green, blue = map(int, re.findall(r"\d+", colour)[:3])
    assert red > green + 60
    assert red > blue + 60


def test_several_runs_and_hostile_names(window: Browser, pages: dict[str, Page], tmp_path: Path) -> None:
    from aevb.explorer.export import export_run

    hostile = "</script><img src=x onerror=document.title='owned'><!--\u2028"
    exported = [export_run(pages[name].run) for name in ("bernoulli", "gaussian")]
    for run in exported:
        run["model"] |= {"name": hostile, "data": hostile, "convention": hostile, "objective": hostile}
    file = tmp_path / "several.html"
    file.write_text(render(exported))
    opened(window, file)
    assert window.run("return document.images.length") == 0
    assert window.run("return document.title") != "owned"
    assert hostile in window.run("return document.querySelector('#run').options[0].textContent")
    window.run(
        "document.querySelector('#run').value = 1; document.querySelector('#run').dispatchEvent(new Event('change'))"
    )
    window.wait("current.info.latent_dim === 5 && current.q && current.q.mean.length === 5")
    window.wait("document.querySelector('#selftest').className === 'passed' && !/waiting/.test(selftest.textContent)")
    assert window.run("return document.querySelector('#background').value") == "none"  # p(z|x) is known for J = 2 only
    window.run(
        "document.querySelector('#run').value = 0; document.querySelector('#run').dispatchEvent(new Event('change'))"
    )
    window.wait("current.gridProgress === 1 && current.answer && current.answer.grid")
    assert window.run("return document.querySelector('#background').value") == "posterior"
    window.wait("background.picture !== null", 10)
    assert window.log("browser") == []


def test_paper_is_light(window: Browser, page: Page) -> None:
    picture, scheme = "return plane.canvas.toDataURL()", "prefers-color-scheme"
    drawn = {}
    for colour in ("light", "dark"):
        window.devtools("Emulation.setEmulatedMedia", features=[{"name": scheme, "value": colour}])
        opened(window, page.file)
        settled(window)
        window.wait("background.picture !== null && !frame")
        drawn[colour] = window.run(picture)
    assert drawn["dark"] != drawn["light"]
    window.run("dispatchEvent(new Event('beforeprint'))")
    assert window.run(picture) == drawn["light"]
    window.run("dispatchEvent(new Event('afterprint'))")
    assert window.run(picture) == drawn["dark"]

    window.devtools("Emulation.setEmulatedMedia", media="print")
    shown = "[...document.querySelectorAll(arguments[0])].filter((e) => e.checkVisibility()).map((e) => e.id)"
    assert window.run(f"return {shown}", ".buttons, .controls button, input") == []
    assert {"run", "background"} <= set(window.run(f"return {shown}", "select"))  # as text: what the pictures are of
    styles = "return [...document.querySelectorAll(arguments[0])].map((e) => getComputedStyle(e)[arguments[1]])"
    assert set(window.run(styles, "section", "breakInside")) == {"avoid"}
    assert set(window.run(styles, "h1, h2, h3", "breakAfter")) == {"avoid"}
    assert set(window.run(styles, "select", "appearance")) == {"none"}
    window.devtools("Emulation.setEmulatedMedia", media="", features=[{"name": scheme, "value": ""}])


def test_without_javascript(window: Browser, page: Page) -> None:
    window.devtools("Emulation.setScriptExecutionDisabled", value=True)
    try:
        window.close()
        window.open(page.file)
        text = window.run("return document.body.innerText")
    finally:
        window.devtools("Emulation.setScriptExecutionDisabled", value=False)
    assert text.split("\n\n") == ["Latent explorer", "This page computes in your browser and needs JavaScript."]


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The source of axe-core."""
    return axe_source(tmp_path_factory.mktemp("axe"))


@pytest.mark.parametrize("name", ["bernoulli", "gaussian", "conditional"])
def test_accessibility(window: Browser, pages: dict[str, Page], axe: str, name: str) -> None:
    window.resize(1480, 1000)
    opened(window, pages[name].file)
    assert serious_violations(window, axe) == []
    window.resize(500, 900)  # as on a phone: rows of pictures scroll
    window.run("document.body.style.width = '330px'")
    row = "document.querySelector('#in-x')"
    window.wait(f"{row}.scrollWidth > {row}.clientWidth + 20")
    assert serious_violations(window, axe) == []
