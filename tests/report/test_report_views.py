"""What is chosen in the report, in a headless Chromium: after a reload, under the pointer, in a print."""

from pathlib import Path

import pytest

from aevb.report import write_report
from aevb.runs.status import rows_of
from helpers.figure_runs import plant
from helpers.webdriver import CHROMEDRIVER, CHROMIUM, Browser

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(None in (CHROMIUM, CHROMEDRIVER), reason="apt-get install chromium chromium-driver"),
    pytest.mark.usefixtures("nothing_is_chosen"),
]


def test_choices_survive_a_reload(window: Browser, page: Path) -> None:
    """Also one after a jump within the page, and one of a report that was written anew without a run."""
    window.log("browser")
    window.open(page)
    state = """return [shown.textContent, document.querySelector('[name=view]:checked').id, filter.value, extra.checked, table.className,
        ...['.chip', '.key'].map((query) => document.querySelectorAll(`${query}[aria-pressed=true]`).length),
        [...document.querySelectorAll('#table tbody tr:not([hidden]) th')].map((head) => head.textContent)]"""
    plain = window.run(state)
    for element in (".view-1 .key", "#show-3", "#extra", ".chip[data-key=latent_dim][data-value='20']"):
        window.click(element)
    column = "#table th[data-key=seed] button"
    window.click(column), window.click(column)
    window.type("#filter", "seed<2")
    chosen = window.run(state)
    assert chosen[:4] == ["2 of 6 runs", "show-3", "seed<2", True]
    assert [name[-5:] for name in chosen[-1]] == ["seed1", "seed0"]
    window.reload()
    assert window.run(state) == chosen
    window.run("location.hash = '#meanings'")
    window.wait("history.state")
    window.reload()
    assert window.run(state) == chosen
    write_report(rows_of(page.parent / "runs")[:4], page.parent / "fewer.html")
    text = page.read_text()
    try:
        page.write_text((page.parent / "fewer.html").read_text())
        window.reload()
        assert window.run(state)[:3] == ["1 of 4 runs", "show-3", "seed<2"]
    finally:
        page.write_text(text)
    assert [entry["message"] for entry in window.log("browser")] == []
    window.close()
    window.open(page)
    assert window.run(state) == plain


def test_the_pointer_shows_the_lines_in_view(window: Browser, tmp_path: Path) -> None:
    for name, end in (("sgvb_b", -130.0), ("iwae", -125.0)):
        plant(tmp_path / "runs", f"objective={name}", train={10**4: -300.0, 10**6: end})
    write_report(rows_of(tmp_path / "runs"), tmp_path / "report.html")
    window.open(tmp_path / "report.html")
    point = """const chart = document.querySelector('.view-1 svg.chart'), box = chart.getBoundingClientRect();
        chart.dispatchEvent(new PointerEvent('pointermove', { clientX: box.right - 20, clientY: box.top + 50 })); return tip.textContent"""
    assert window.run(point) == "1,000,000 samples-126.00  importance-weighted-131.00  AEVB"
    window.click(".view-1 .key")
    assert window.run(point) == "1,000,000 samples-131.00  AEVB"
    window.click(".view-1 .key")
    window.click(".chip[data-key=objective][data-value=iwae]")
    assert window.run(point) == "1,000,000 samples-126.00  importance-weighted"
    window.run(
        "window.scrollTo(0, document.querySelector('.view-1 svg.chart').getBoundingClientRect().top + scrollY - innerHeight + 60)"
    )
    window.run(point)
    assert window.run("return tip.getBoundingClientRect().bottom <= innerHeight")


def test_every_view_can_be_shown(window: Browser, tmp_path: Path) -> None:
    run = plant(tmp_path / "runs", "data=digits", train={100: -30.0, 1000: -20.0})
    head, *rows = (run / "metrics.csv").read_text().splitlines()
    lines = [head + "".join(f",test_mine_{i}" for i in range(10)), *(row + 10 * ",1" for row in rows)]
    (run / "metrics.csv").write_text("\n".join(lines) + "\n")
    write_report(rows_of(tmp_path / "runs"), tmp_path / "report.html")
    window.open(tmp_path / "report.html")
    shown = "return [...document.querySelectorAll('.view')].filter((view) => view.offsetHeight).map((view) => view.className)"
    count = window.run("return document.querySelectorAll('[name=view]').length")
    assert count == 12
    for index in range(1, count + 1):
        window.click(f"#show-{index}")
        assert window.run(shown) == [f"view view-{index}"]


def test_a_print_names_the_view_and_shows_no_hint_on_controls(window: Browser, page: Path) -> None:
    window.open(page)
    window.click("#show-3")
    visible = "return [...document.querySelectorAll(arguments[0])].filter((item) => item.checkVisibility()).map((item) => item.textContent)"
    assert window.run(visible, ".view h3") == []
    hint = ".note .script-only, .note.script-only"
    assert len(window.run(visible, hint)) > 1
    window.devtools("Emulation.setEmulatedMedia", media="print")
    try:
        (name,) = window.run(visible, ".view h3")
        assert name == window.run("return document.querySelector('#show-3').parentElement.textContent.trim()")
        assert window.run(visible, hint) == []
        styles = "return [...new Set([...document.querySelectorAll('h2, .view h3')].map((head) => getComputedStyle(head).breakAfter))]"
        assert window.run(styles) == ["avoid"]
    finally:
        window.devtools("Emulation.setEmulatedMedia", media="")
