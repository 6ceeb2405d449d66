"""Finished runs in Python: what `aevb.train` and `aevb.load` return, and the table that `aevb.runs(folder)` returns."""
