"""aevb as users run it: scripts/train.py, with TensorBoard, bar, evaluations and checkpoints on.

Its speed is read from the timing.csv that every run leaves: samples between two evaluation points / training seconds between them. Training
seconds are all seconds from the first step to the last (minibatches, noise, curve, bar, checkpoints) but those in which a row is
made at an evaluation point: evaluations, and what TensorBoard is given of them. Start-up and ending are reported apart.
"""

import shutil
import tempfile
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import NamedTuple

from aevb.errors import UserError
from aevb.runs.run import Run
from benchmarks.children import ROOT, Seconds, execute, pinned

__all__ = ["TRAIN", "Trainee", "Training", "train"]

TRAIN = str(ROOT / "scripts" / "train.py")


class Training(NamedTuple):
    """One run that is finished.

    per_sample: training seconds per sample after the evaluation point at which the measurement begins. wall: of the
    whole command. training, evaluation: seconds by timing.csv; evaluation with that of the whole test split at the end.
    """

    per_sample: float
    wall: float
    training: float
    evaluation: float

    @property
    def rest(self) -> float:
        """Seconds of start-up and ending: imports, data, writing."""
        return self.wall - self.training - self.evaluation


def train(
    overrides: Sequence[str], since: int, threads: int = 1, gpu: bool = False, flags: Sequence[str] = ()
) -> tuple[list[Training], Seconds]:
    """Runs scripts/train.py in a folder of its own that is removed afterwards; what its run says, or its runs in a sweep.

    since: samples_seen at the beginning of the measurement. flags: for Hydra, before the overrides.
    """
    folder = Path(tempfile.mkdtemp(prefix="aevb-benchmark-"))
    try:
        seconds = execute([TRAIN, *flags, *overrides, f"output_dir={folder}"], threads, gpu=gpu)
        runs = sorted(path.parent for path in (folder / "runs").glob("*/DONE"))
        if not runs:
            raise UserError(f"{TRAIN} {' '.join(overrides)}: left no finished run")
        return [_read(Run(run), since, seconds.wall) for run in runs], seconds
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _read(run: Run, since: int, wall: float) -> Training:
    timing = run.timing()
    seen, training = timing["samples_seen"], timing["training_seconds"]
    begin = int((seen >= since).argmax())
    if seen[-1] <= seen[begin]:
        raise UserError(f"{run.name}: no evaluation point at {since:,} samples or none after it; allowed: a longer run")
    per_sample = (training[-1] - training[begin]) / (seen[-1] - seen[begin])
    at_the_end = sum(evaluation["seconds"] for evaluation in run.evaluations())
    evaluation = timing["evaluation_seconds"][-1] + at_the_end
    return Training(float(per_sample), wall, float(training[-1]), float(evaluation))


class Trainee:
    """Takes its turns among the methods: a turn is a whole run. taken: its turns so far."""

    def __init__(
        self, overrides: Sequence[str], since: int, threads: int = 1, gpu: bool = False, flags: Sequence[str] = ()
    ) -> None:
        self.overrides = [*overrides, f"trainer.threads={threads}"]
        self.since, self.threads, self.gpu, self.flags = since, threads, gpu, flags
        self.taken: list[Training] = []

    def take_turn(self) -> float:
        """Training seconds per sample."""
        with nullcontext() if self.gpu else pinned(self.threads):
            (training,), _ = train(self.overrides, self.since, self.threads, self.gpu, self.flags)
        self.taken.append(training)
        return training.per_sample

    def ready(self) -> None:
        """At any time."""

    def close(self) -> None:
        """Nothing is left running."""
