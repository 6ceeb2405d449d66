"""What the evaluator says of the parts of the KL divergence."""

import torch

from aevb.evaluators.total_correlation import TotalCorrelation
from helpers.oracles import data, linear_gaussian


def verdict(information: float, images: int) -> str:
    parts = {
        "mutual_information": information,
        "total_correlation": 0.5,
        "dimension_kl": 0.25,
        "kl": information + 0.75,
    }
    values = {name: torch.full((images,), value) for name, value in parts.items()}
    return TotalCorrelation().summary(linear_gaussian(), data(images), values)["verdict"]


def test_a_mutual_information_near_its_limit_is_pointed_out():
    """log 100 = 4.61 nats."""
    parts = "KL 3.75 nats = mutual information 3.00 (at most log N = 4.61) + total correlation 0.50 + KL of the dimensions 0.25"
    assert verdict(3.0, 100) == parts
    assert verdict(3.7, 100).endswith(
        "; the mutual information is near log N, so the total correlation is too large: evaluate more images"
    )
