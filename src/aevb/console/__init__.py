"""Terminals, signals and progress bars."""
