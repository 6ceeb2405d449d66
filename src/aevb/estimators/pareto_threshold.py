"""The largest Pareto k at which importance sampling can be trusted; free of torch, so that pages can use it.

Vehtari, Simpson, Gelman, Yao & Gabry, "Pareto smoothed importance sampling", JMLR 25 (2024), section 3.2:

    min(1 - 1 / log10 K, 0.7)

for K samples. With K = 50 it is 0.41, with K = 5,000 it is 0.7.
"""

import math

__all__ = ["pareto_k_threshold"]


def pareto_k_threshold(samples: int) -> float:
    """Return the largest Pareto k at which an estimate from `samples` weights is reliable.

    Args:
        samples: The number of importance samples, K.

    Returns:
        The threshold; 0 for K <= 10, where no k is small enough.
    """
    return min(1 - 1 / math.log10(samples), 0.7) if samples > 10 else 0.0
