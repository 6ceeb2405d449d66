"""Evaluate and load finished runs."""
