"""Loads torch and Lightning into the process from which the workers of a sweep are forked.

An import that fails must not end that process: each worker imports its module again, and says what is wrong.
"""

from contextlib import suppress

with suppress(Exception):
    import aevb.execution.ensemble_worker
    import aevb.execution.worker  # noqa: F401
