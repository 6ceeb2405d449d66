"""The plural of what is counted."""

from aevb.console.counts import counted


def test_one_is_singular_and_others_are_plural() -> None:
    assert [counted(n, "run") for n in (0, 1, 2, 2000)] == ["0 runs", "1 run", "2 runs", "2,000 runs"]
    assert counted(2, "class", "classes") == "2 classes"
