"""The natural order of names."""

import random
from pathlib import Path

from aevb.files.natural_order import natural_key, natural_path_key

ORDERED = ["", "2", "02", "10", "a", "a2b", "a2b1", "a10", "b-s9", "b-s10", "\u0663"]


def test_numbers_are_in_order_of_size() -> None:
    for seed in range(20):
        names = ORDERED[:]
        random.Random(seed).shuffle(names)
        assert sorted(names, key=natural_key) == sorted(ORDERED, key=natural_key)
    assert sorted(["z20", "z10", "z2"], key=natural_key) == ["z2", "z10", "z20"]
    assert sorted(["a10", "10", "a", "2", ""], key=natural_key) == ["", "2", "10", "a", "a10"]


def test_paths_are_compared_part_by_part() -> None:
    paths = [Path("a/z10"), Path("a-b/z2"), Path("a/z2/x"), Path("/a"), Path("a/z2")]
    assert sorted(paths, key=natural_path_key) == [
        Path("/a"),
        Path("a/z2"),
        Path("a/z2/x"),
        Path("a/z10"),
        Path("a-b/z2"),
    ]


def test_numbers_may_have_thousands_of_digits() -> None:
    long = "9" * 5000  # more than int() takes
    assert sorted([f"z1{long}", f"z{long}", "z3"], key=natural_key) == ["z3", f"z{long}", f"z1{long}"]
