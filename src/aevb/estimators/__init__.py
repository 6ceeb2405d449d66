"""Estimates about a fixed model: bounds, log p(x), information."""
