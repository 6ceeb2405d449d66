"""Data sets: where they are read from, and what their targets are."""
