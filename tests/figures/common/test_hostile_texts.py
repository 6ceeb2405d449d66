"""Names from elsewhere in the labels of a figure: drawn as they are, whatever they would mean to Matplotlib."""

from pathlib import Path

import pytest
from matplotlib.figure import Figure as Canvas

from aevb.figures.common.base import Drawing, Figure, markdown_table
from aevb.runs.run import Run

NAMES = ("$$", "$x", r"$\frac{$", "50 $ or 60 $", "a\x1b[2Jb\u202ec", "{}%s", "_^")


class Named(Figure):
    """A figure with one text for each name, and a formula of ours."""

    name = "named"
    command = ""

    def wanted(self, runs: list[Run]) -> list[Run]:
        return runs

    def compose(self, runs: list[Run], trusted: tuple[str, ...]) -> Drawing:
        raise NotImplementedError


@pytest.mark.fault(
    "the name of a run or an option in a figure is half a formula or holds control characters",
    "drawn as plain text, with escapes; formulas of aevb stay formulas",
)
def test_every_name_is_drawn(tmp_path: Path) -> None:
    canvas = Canvas()
    ax = canvas.subplots()
    texts = [ax.text(0, 0, name) for name in NAMES]
    ax.set_title("$N_z = 2$")
    Named()._write(Drawing([{"run": NAMES[4]}], canvas, text=NAMES[4]), tmp_path)
    assert [text.get_text() for text in texts if text.get_parse_math()][-2:] == ["{}%s", "_^"]
    assert texts[4].get_text() == r"a\x1b[2Jb\u202ec"
    assert ax.title.get_parse_math()
    assert (tmp_path / "named.md").read_text() == r"a\x1b[2Jb\u202ec"
    assert r"\x1b" in (tmp_path / "named.csv").read_text()


def test_a_name_is_one_cell_of_a_table() -> None:
    assert markdown_table([{"p(x|z)": "a|b\nc", "run": 1}]) == "| p(x\\|z) | run |\n| --- | --- |\n| a\\|b\\nc | 1 |\n"
