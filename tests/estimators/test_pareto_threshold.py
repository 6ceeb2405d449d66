"""The threshold of Pareto k at the numbers of samples that Vehtari et al. (2024) name."""

from aevb.estimators.pareto_threshold import pareto_k_threshold


def test_threshold_of_pareto_k() -> None:
    assert [round(pareto_k_threshold(samples), 2) for samples in (50, 500, 1000, 10**6)] == [0.41, 0.63, 0.67, 0.70]
    assert pareto_k_threshold(10) == 0
