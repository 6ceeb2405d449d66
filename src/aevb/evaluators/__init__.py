"""Estimates of whole splits, written to a run directory."""
