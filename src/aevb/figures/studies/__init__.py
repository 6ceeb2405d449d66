"""Figures of the studies beyond the paper."""
