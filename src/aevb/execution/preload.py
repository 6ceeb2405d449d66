"""Loads torch and Lightning, and the versions of all packages, into the process from which the workers of a sweep are forked.

An import that fails must not end that process: each worker imports its module again, and says what is wrong.
"""

from contextlib import suppress

from aevb.console.imports import begin_process, without_collection
from aevb.console.process_exit import skip_shutdown

skip_shutdown()
begin_process()
with suppress(Exception), without_collection():
    import aevb.execution.ensemble_worker
    import aevb.execution.worker  # noqa: F401
    from aevb.runs.manifest import installed_packages

    installed_packages()
