"""Console commands, the only package that imports Hydra."""
