"""Layers and their initialization."""
