"""A run of scripts/train.py with torch's profiler over some blocks: python -m benchmarks.profiled FILE OVERRIDES.

Begins after the evaluation point at BEGIN samples and ends before the next, so that no evaluation falls into it; writes
{"seconds", "steps", "operations": [[name, seconds in it alone, calls], ...]} to FILE.
"""

import json
import sys
import time
from pathlib import Path

from torch.profiler import ProfilerActivity, profile

from aevb.cli.train import train
from aevb.training.module import Training
from aevb.training.schedule import Block

__all__ = ["BEGIN", "END", "main"]

BEGIN, END = 50_000, 100_000
BLOCKS = 4


def main(out: Path, overrides: list[str]) -> None:
    """Trains, watching Training.training_step from outside."""
    training_step = Training.training_step
    profiler = profile(activities=[ProfilerActivity.CPU])
    seen: list[tuple[float, int]] = []

    def watched(module: Training, block: Block) -> None:
        if len(seen) == BLOCKS:
            seconds = time.perf_counter() - seen[0][0]
            profiler.stop()
            steps = (module.samples_seen - seen[0][1]) // module.stream.batch_size
            operations = [(e.key, e.self_cpu_time_total / 1e6, e.count) for e in profiler.key_averages()]
            out.write_text(json.dumps({"seconds": seconds, "steps": steps, "operations": operations}))
        elif not seen and module.samples_seen >= BEGIN:
            profiler.start()
        if seen or module.samples_seen >= BEGIN:
            seen.append((time.perf_counter(), module.samples_seen))
        training_step(module, block)

    Training.training_step = watched  # type: ignore[method-assign,assignment]
    sys.argv = ["train.py", *overrides]
    train()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
