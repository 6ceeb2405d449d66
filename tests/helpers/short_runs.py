"""Runs of a second, trained in this process, and what must not depend on faults."""

import hashlib
import subprocess
import sys
from pathlib import Path

import torch

from aevb import runs
from aevb.training import train_run
from helpers.commands import settings

__all__ = ["a_dead_process", "outcome", "train"]

DIGITS = ("data=digits", "latent_dim=2", "hidden_dim=20", "evaluator=bound", "evaluation.start=1", "logger=none")


def train(directory: Path, max_samples: int, *overrides: str) -> Path:
    """Trains, goes on with or extends the run in `directory`."""
    runs.prepare(directory, settings(*DIGITS, *overrides, f"max_samples={max_samples}"))
    train_run.run(directory)
    return directory


def outcome(directory: Path) -> tuple[str, str]:
    """sha256 of the final weights, and metrics.csv."""
    state = torch.load(directory / "model.pt", weights_only=True)
    weights = hashlib.sha256(b"".join(value.numpy().tobytes() for value in state.values())).hexdigest()
    return weights, (directory / "metrics.csv").read_text()


def a_dead_process() -> int:
    """The id of a process that is no more."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid
