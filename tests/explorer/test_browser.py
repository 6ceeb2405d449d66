"""The explorer in a headless Chromium: dragged, drawn on, typed at, and asked what it shows.

The screenshots stay in the tests' temporary folder, or in AEVB_SCREENSHOTS if that is set.
"""

import csv
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from helpers.explorer_browser import DRAW, opened, settled
from helpers.explorer_pages import Page
from helpers.webdriver import CHROMEDRIVER, CHROMIUM, Browser

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None or CHROMEDRIVER is None, reason="apt-get install chromium chromium-driver"),
]


def test_opens_without_errors_or_requests(window: Browser, pages: dict[str, Page], tmp_path: Path) -> None:
    for name, page in pages.items():
        opened(window, page.file)
        assert window.text("#selftest").startswith("Self-test passed"), window.text("#selftest")
        assert window.log("browser") == []
        assert {address.partition(":")[0] for address in window.requests()} <= {"file", "blob", "about", "data"}
        picture = window.picture(Path(os.environ.get("AEVB_SCREENSHOTS", tmp_path)) / f"{name}.png")
        pixels = np.asarray(Image.open(picture).convert("RGB"))
        assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 200, "the screenshot is empty"


def test_a_run_that_is_loaded_again_ends_its_self_test(window: Browser, page: Page) -> None:
    """As by a link that is pasted while the test runs: the grid begins again, and no number of half a grid is compared."""
    opened(window, page.file)
    window.run("""window.seen = [];
        new MutationObserver(() => seen.push($('selftest').className)).observe($('selftest'), { attributes: true });
        startSelfTest();
        loadRun(0, {});""")
    window.wait("$('selftest').className === 'passed'")
    assert set(window.run("return seen")) == {"", "passed"}


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


def test_the_distribution_of_a_pixel_is_that_of_the_z_in_view(window: Browser, page: Page) -> None:
    opened(window, page.file)
    window.drag("#decoded", (0.3, 0.3), (0.55, 0.55))
    script = "return pixelText([4, 4])"
    assert window.text("#pixel") == window.run(script)
    before = window.text("#pixel")
    window.type("#plane", "\ue014\ue014\ue014\ue014")  # z moves, the pointer does not
    window.wait("!frame")
    assert window.text("#pixel") == window.run(script) != before
    window.type("#decoded", "\ue014\ue013")  # a keyboard chooses a pixel too: right, up
    assert window.text("#pixel").startswith("Row 4, column 6: p(x = 1 | z) = ")


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
