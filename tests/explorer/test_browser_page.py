"""The explorer's page in a headless Chromium: its address, its self-test, several runs, print, and accessibility.

axe-core is installed by npm into a temporary folder, or taken from AEVB_AXE (the path of axe.min.js).
"""

import itertools
import json
import re
from pathlib import Path

import pytest

from aevb.explorer.page import render
from helpers.axe import axe_source, serious_violations
from helpers.explorer_browser import DRAW, opened, settled
from helpers.explorer_pages import Page
from helpers.webdriver import CHROMEDRIVER, CHROMIUM, Browser

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None or CHROMEDRIVER is None, reason="apt-get install chromium chromium-driver"),
]


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


def test_a_posterior_outside_the_plane_is_named(window: Browser, page: Page) -> None:
    opened(window, page.file)
    settled(window)
    assert window.text("#beyond") == ""
    window.run(
        "const joint = new Float32Array(6400).fill(-900); joint[80 * 79 + 40] = 0; "
        "current.answer = { ...current.answer, joint, final: true }; update({}, 'answer'); redrawAll()"
    )
    assert window.text("#beyond") == "The true posterior is highest outside the plane, near z₁ = 0.1, z₂ = 7.9."
    window.run("update({ background: 'none' }); redrawAll()")
    assert window.text("#beyond") == ""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_circles_of_the_prior_have_numbers_that_can_be_read(window: Browser, page: Page, scheme: str) -> None:
    window.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    opened(window, page.file)
    inks = window.run(
        "const c = plane.points.getContext('2d'), inks = [], write = c.fillText; "
        "c.fillText = (text, ...at) => { if (c.font.startsWith('11px')) inks.push(c.fillStyle); }; "
        "drawPoints(); c.fillText = write; return inks"
    )
    window.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": ""}])
    paper = {"light": "#ffffff", "dark": "#15181c"}[scheme]
    assert len(inks) == 3
    assert min(_contrast(ink, paper) for ink in inks) >= 4.5


def _contrast(one: str, other: str) -> float:
    """The contrast of two colours as WCAG defines it."""
    linear = [[int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)] for colour in (one, other)]
    linear = [[c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour] for colour in linear]
    dark, light = sorted(0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in linear)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(("width", "aspect"), [(470, "1 / 1"), (800, "20 / 28"), (1480, "64 / 12")])
def test_a_picture_fills_its_box(window: Browser, page: Page, width: int, aspect: str) -> None:
    """A box with bars beside the picture would put the brush and the pixel elsewhere than the pointer."""
    with window.width(width):
        opened(window, page.file)
        window.run("document.documentElement.style.setProperty('--aspect', arguments[0])", aspect)
        columns, rows = map(int, aspect.split(" / "))
        for name in ("pad", "decoded"):
            box = window.run(f"const e = document.getElementById('{name}'); return [e.offsetWidth, e.offsetHeight]")
            assert box[0] / box[1] == pytest.approx(columns / rows, rel=0.02)
            assert 100 < box[0] <= width
            assert box[1] <= 421


def test_one_latent_dimension_has_no_gap_for_the_plane(window: Browser, page: Page) -> None:
    for width, beside in ((1480, True), (900, True), (500, False)):
        with window.width(width):
            opened(window, page.file)
            window.run("document.body.dataset.plane = 'none'")
            decoder, numbers = window.run(
                "return ['#decoded', '#numbers-panel'].map((e) => document.querySelector(e).getBoundingClientRect().toJSON())"
            )
            assert decoder["width"] <= 340
            assert (numbers["top"] < decoder["bottom"]) == beside
            assert numbers["right"] >= width - 25


def test_only_grey_targets_have_a_ceiling(window: Browser, page: Page) -> None:
    opened(window, page.file)
    hidden = (
        "describe({ ...current.info, binary: arguments[0] }, 2); return document.getElementById('ceiling-row').hidden"
    )
    assert [window.run(hidden, binary) for binary in (False, True)] == [False, True]


def test_a_gap_that_the_estimates_do_not_show_is_at_least_zero(window: Browser, pages: dict[str, Page]) -> None:
    """The gap is a KL divergence; log p(x) and the ELBO are estimates, of which the second may be above the first."""
    opened(window, pages["gaussian"].file)
    settled(window)
    window.run("current.answer.importance.logPx = current.answer.elbo - 0.01; update({}, 'answer')")
    window.wait("document.getElementById('n-gap').textContent === 'at least 0.00'", seconds=5)


def test_labels_of_an_interpolation_do_not_overlap(window: Browser, page: Page) -> None:
    """With 200 latent dimensions log p(z) has three digits before the point."""
    with window.width(1300):
        opened(window, page.file)
        window.run("for (const n of [0, 3]) current.images.q[n].mean = [13.9, 13.9]; update({ ends: [0, 3] })")
        window.wait("document.querySelector('#in-z').textContent.startsWith('−195.0\\nA−195.0−195.0')")
        labels = "document.querySelectorAll('#in-z span')"
        boxes = window.run(f"return [...{labels}].map((e) => e.getBoundingClientRect().toJSON())")
        assert all(left["right"] <= right["left"] for left, right in itertools.pairwise(boxes))
        pictures = "return [...document.querySelectorAll('#in-z canvas')].map((e) => e.getBoundingClientRect().top)"
        assert len(set(window.run(pictures))) == 1


@pytest.mark.parametrize("width", [320, 1300, 1480])
def test_no_line_ends_within_a_number_and_its_error(window: Browser, page: Page, width: int) -> None:
    """As of an ELBO of -249.54 ± 0.12 in bold."""
    with window.width(width):
        opened(window, page.file)
        settled(window)
        window.run("current.answer.elbo = -1249.54; current.answer.standardError = 10.12; update({}, 'answer')")
        window.wait("document.querySelector('#n-elbo').textContent.startsWith('−1249.54')")
        lines = "const range = document.createRange(); range.selectNodeContents(document.querySelector(arguments[0])); return range.getClientRects().length"
        for name in ("#n-elbo", "#n-logpx", "#n-kl"):
            assert window.run(lines, name) == 1, name
        assert window.run("return document.documentElement.scrollWidth") == width


def test_the_parts_of_the_bound_add_up(window: Browser, page: Page) -> None:
    opened(window, page.file)
    settled(window)
    numbers = "return ['reconstruction', 'kl', 'elbo'].map((n) => parseFloat(document.getElementById(`n-${n}`).textContent.replace('−', '-')))"
    reconstruction, kl, elbo = window.run(numbers)
    assert kl <= 0
    assert reconstruction + kl == pytest.approx(elbo, abs=0.011)
    assert window.run("return [number(-0.004), nats(-0.004), number(-0.006), nats(-12.3)]") == [
        "0.00",
        "0.00",
        "−0.01",
        "−12.30",
    ]


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
