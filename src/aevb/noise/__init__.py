"""Counter-based random numbers: each draw depends only on the seed, the purpose and the step."""

from aevb.noise.first_draws import FirstDraws
from aevb.noise.host import Noise, NoisePrefetch, RowNoise, philox

__all__ = ["FirstDraws", "Noise", "NoisePrefetch", "RowNoise", "philox"]
