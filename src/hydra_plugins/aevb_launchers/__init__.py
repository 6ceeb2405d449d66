"""Launchers of aevb for Hydra."""
