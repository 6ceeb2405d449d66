"""The figures of the paper, and the comparison with it."""
