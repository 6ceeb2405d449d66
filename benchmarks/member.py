"""One method as a process: python -m benchmarks.member NAME RECIPE, where RECIPE is JSON.

Standard input and output carry the turns; what the method prints itself goes where its errors go.
"""

import json
import os
import sys
from importlib import import_module

from aevb.errors import UserError
from benchmarks.benchmark_model import BenchmarkModel
from benchmarks.gate import Gate, Over

__all__ = ["main"]


def main(name: str, spec: str, threads: int) -> int:
    """Run the method until no further turn is requested."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    method = import_module(f"benchmarks.rivals.{name}")
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)
    chosen = BenchmarkModel(**json.loads(spec))
    try:
        method.loop(chosen, Gate(chosen.unit, sys.stdin, answers))
    except Over:
        return 0
    except UserError as error:
        print(json.dumps({"error": str(error)}), file=answers, flush=True)
        return 2
    raise AssertionError(f"{name} returned")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
