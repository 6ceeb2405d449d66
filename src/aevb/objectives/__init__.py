"""Objectives: what is optimised, and its gradient estimator."""
