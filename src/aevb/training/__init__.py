"""Train one run."""
