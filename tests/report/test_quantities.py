"""The units of what evaluators record: none is called nats that is not."""

from pathlib import Path

import pytest

from aevb.config import CONF
from aevb.report.quantities import NATS, column_unit, in_words, short, texts, unit


def test_every_evaluator_in_nats_is_one_and_its_docstring_says_so() -> None:
    for name, values in NATS.items():
        (module,) = {
            line.split(".")[-2]
            for line in (CONF / "evaluator" / f"{name}.yaml").read_text().splitlines()
            if "_target_" in line
        }
        source = (Path(__file__).parents[2] / "src" / "aevb" / "evaluators" / f"{module}.py").read_text()
        assert "nats" in source
        assert [value for value in values if value not in source] == [], name


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


def test_numbers_keep_their_digits() -> None:
    assert (short(-0.004), short(0.00019, ""), short(0.0576, ""), short(4.744, ""), short(0, "")) == (
        "0.00", "0.00019", "0.0576", "4.74", "0.00",
    )  # fmt: skip
    assert short(float("nan"), "") == short(None, "") == "–"


def test_an_estimate_and_its_error_have_the_same_decimals() -> None:
    assert texts(5.6862, 0.03702, "") == ("5.686", "0.037")
    assert texts(0.057582, 0.00019008, "") == ("0.05758", "0.00019")
    assert texts(45.144, 0.149, "") == ("45.14", "0.15")
    assert texts(-98.789, 0.0024, "nats") == ("-98.79", "0.00")
    assert texts(0.5, float("nan"), "") == ("0.5", "–")
    assert texts(3.0, 0.0, "") == ("3.00", "0.00")


def test_words() -> None:
    assert in_words("reconstruction_log_px_z") == "reconstruction log p(x|z)"
    assert in_words("information_marginal_kl") == "information marginal KL"
