"""How numbers and names are written in a report."""

from aevb.report.quantities import in_words, short, texts


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
