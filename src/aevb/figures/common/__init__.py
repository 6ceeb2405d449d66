"""What the figures share: curves, choices, styles."""
