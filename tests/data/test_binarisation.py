"""What a number of grey targets is and is not is said wherever it is shown."""

import pytest

from aevb.data.binarisation import convention, meaning

BERNOULLI, GAUSSIAN = "aevb.models.bernoulli.BernoulliDecoder", "aevb.models.gaussian.GaussianDecoder"


@pytest.mark.parametrize(
    ("kind", "decoder", "description"),
    [
        ("grey", BERNOULLI, "lower bounds of E_b log p(b) over b ~ Bernoulli(x), never above -H(x)"),
        ("grey", BERNOULLI, "not comparable with tables of binary images"),
        ("dynamic", BERNOULLI, "the same binarisation only"),
        ("threshold", BERNOULLI, "the same binarisation only"),
        ("fixed", BERNOULLI, "the same binarisation only"),
        ("grey", GAUSSIAN, "evaluator=bits_per_dim"),
        ("grey", GAUSSIAN, "log-density at byte levels"),
    ],
)
def test_every_convention_says_what_it_is(kind: str, decoder: str, description: str) -> None:
    assert description in meaning(convention(kind, 255), decoder)


def test_real_numbers_are_a_density() -> None:
    assert meaning("drawn from a linear Gaussian model", GAUSSIAN) == "log-density of real numbers, in their unit"
