"""The units of what evaluators record: none is called nats that is not."""

import re
from pathlib import Path

import pytest

from aevb.runs.units import NATS, column_unit, unit

SOURCE = Path(__file__).parents[2] / "src" / "aevb"


def test_every_evaluator_in_nats_is_one_and_its_docstring_says_so() -> None:
    sources = [path.read_text() for folder in ("evaluators", "pitfalls") for path in (SOURCE / folder).glob("*.py")]
    for name, values in NATS.items():
        (source,) = [text for text in sources if f'    name = "{name}"\n' in text]
        assert "nats" in source
        assert [value for value in values if value not in source] == [], name


def test_every_evaluator_that_returns_nats_is_listed() -> None:
    returned = re.compile(r'def values\(.*?Returns:\n(.*?)"""', re.DOTALL)
    for path in (SOURCE / "evaluators").glob("*.py"):
        text = path.read_text()
        name, values = re.search(r'^    name = "(\w+)"$', text, re.MULTILINE), returned.search(text)
        if name and values and "nats" in values[1]:
            assert NATS.get(name[1]), name[1]


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("bound", "nats"),
        ("log_px", "nats"),
        ("quadrature_error", "nats"),
        ("reconstruction_log_px_z", "nats"),
        ("value", "nats"),
        ("reconstruction_squared_error", ""),
        ("shapes_recognisable_reconstruction", ""),
        ("information_active_units", ""),
        ("ais_acceptance", ""),
        ("learning_rate", ""),
        ("bits_per_dim_density_bits_per_dim", "bits per pixel"),
    ],
)
def test_units_of_columns(column: str, expected: str) -> None:
    assert column_unit(column) == expected


def test_units_of_evaluations() -> None:
    assert unit("importance", "rise") == "nats"
    assert unit("importance", "pareto_k") == unit("mine", "bound") == ""
    assert unit("bits_per_dim", "dequantised_bits_per_dim") == "bits per pixel"
