"""The table of runs on a terminal: a narrow one hides no name and no reason."""

import re

import pytest

from aevb.cli.tables import show
from aevb.runs.status import Row

RUN = "outputs/runs/digits-sgvb_b-adagrad-z20-s{}-abcdef"
REASON = "outputs/runs/x/checkpoints/last.ckpt: cannot be written (No space left on device)"


def columns(text: str, heading: str) -> str:
    """All text of one column of a table, without spaces."""
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in text.splitlines()]
    head = next([cell.strip() for cell in line.split("┃")] for line in lines if line.startswith("┃"))
    cells = [line.split("│")[head.index(heading)] for line in lines if line.startswith("│")]
    return "".join(cells).replace(" ", "")


@pytest.mark.parametrize("width", [80, 100])
@pytest.mark.parametrize("reason", ["", REASON], ids=["done", "failed"])
def test_names_and_reasons_are_whole(
    width: int, reason: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # as on a terminal
    monkeypatch.setenv("COLUMNS", str(width))
    show([Row(RUN.format(seed), "failed", 1_000_000, 1_000_000, reason, f"seed={seed}") for seed in (0, 1)])
    text = capsys.readouterr().out
    assert columns(text, "run") == RUN.format(0) + RUN.format(1)
    assert columns(text, "point") == "seed=0seed=1"
    assert columns(text, "samples") == "1,000,0001,000,000"
    if reason:
        assert columns(text, "why") == 2 * reason.replace(" ", "")
    else:  # an empty column would take room from the names
        assert "why" not in text
