"""Jobs of a sweep that are kept back until the last is prepared, and then trained: as many at once as there are cores, or
those of one shape together in one process.

Which can be together is told from their configs alone: the paper's model and SGVB, equal in all that shapes a matrix product.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from aevb import child, runs

__all__ = ["Gathered", "gathered", "gathering", "train_at_once", "train_together"]

OBJECTIVES = ("aevb.objectives.sgvb_a.SGVB_A", "aevb.objectives.sgvb_b.SGVB_B")
ENCODER, PRIOR = "aevb.models.gaussian.GaussianEncoder", "aevb.models.prior.StandardNormal"
DECODERS = ("aevb.models.bernoulli.BernoulliDecoder", "aevb.models.gaussian.GaussianDecoder")

_jobs: list["Gathered"] | None = None


class Gathered(NamedTuple):
    """A run directory that waits to be trained.

    trusted: users' modules that its config may name. answer: is to be given the exit code of the process that trained it.
    """

    directory: Path
    settings: dict[str, Any]
    trusted: tuple[str, ...]
    answer: Callable[[int], None]

    @property
    def work(self) -> child.Work:
        """What a child process has to do."""
        return child.Work.of(self.directory, self.settings, self.trusted)


@contextmanager
def gathering() -> Iterator[list[Gathered]]:
    """While this holds, jobs are prepared and kept back in the list it gives."""
    global _jobs
    _jobs = []
    try:
        yield _jobs
    finally:
        _jobs = None


def gathered() -> list[Gathered] | None:
    """Where a job goes that is to be kept back; None if it is to be trained at once."""
    return _jobs


def train_at_once(jobs: list[Gathered], cores: int | None) -> None:
    """Trains every job in a process of its own, as many at a time as fit on `cores`, by default all of this machine."""
    cores = cores or cores_here()
    from aevb.progress import watching  # here: nobody waits for rich who has nothing to watch

    with watching():
        for place, code in child.work_all([job.work for job in jobs], cores):
            jobs[place].answer(code)


def train_together(jobs: list[Gathered], members: int) -> None:
    """Trains every job, those of one shape together, at most `members` in a process; says which are alone."""
    groups: dict[str, list[Gathered]] = {}
    for job in jobs:
        groups.setdefault(_shape(job.settings) or str(job.directory), []).append(job)
    for group in groups.values():
        for start in range(0, len(group), members):
            some = group[start : start + members]
            names = ", ".join(job.directory.name for job in some)
            print(f"in one process: {names}" if len(some) > 1 else f"alone: {names}", flush=True)
            code = child.work(child.Work.together([job.work for job in some]))
            for job in some:
                job.answer(0 if runs.state(job.directory) == "done" else code)


def cores_here() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _shape(settings: dict[str, Any]) -> str | None:
    """What members of a stack have in common; None for a run that has its process to itself."""
    model, objective, trainer = settings["model"], settings["objective"], settings["trainer"]
    encoder, decoder, prior = (model.get(part) or {} for part in ("encoder", "decoder", "prior"))
    paper = (
        encoder.get("_target_") == ENCODER and decoder.get("_target_") in DECODERS and prior.get("_target_") == PRIOR
    )
    paper = paper and encoder.get("activation") == decoder.get("activation") == "tanh"
    alone = objective["_target_"] not in OBJECTIVES or trainer["engine"] == "autograd" or trainer["devices"] > 1
    if alone or not paper:
        return None
    layers = [{key: value for key, value in part.items() if key != "latent_dim"} for part in (encoder, decoder)]
    machine = [trainer[key] for key in ("accelerator", "threads", "precision")]
    data = [settings["data"].get(key) for key in ("_target_", "path", "dim")]
    return json.dumps([layers, objective["samples"], settings["batch_size"], machine, data], sort_keys=True)
