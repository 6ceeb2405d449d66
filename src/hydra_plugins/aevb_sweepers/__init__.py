"""Sweepers of aevb for Hydra."""
