"""Jobs of a sweep that are kept back, to be trained together in one process (`hydra/launcher=ensemble`).

Which of them can be is told from their configs alone: the paper's model and SGVB, equal in all that shapes a matrix product.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from aevb import child

__all__ = ["Gathered", "gathered", "gathering", "train_together"]

OBJECTIVES = ("aevb.objectives.sgvb_a.SGVB_A", "aevb.objectives.sgvb_b.SGVB_B")
ENCODER, PRIOR = "aevb.models.gaussian.GaussianEncoder", "aevb.models.prior.StandardNormal"
DECODERS = ("aevb.models.bernoulli.BernoulliDecoder", "aevb.models.gaussian.GaussianDecoder")

_jobs: list["Gathered"] | None = None


class Gathered(NamedTuple):
    """A run directory that waits to be trained. trusted: users' modules that its config may name."""

    directory: Path
    settings: dict[str, Any]
    trusted: tuple[str, ...]


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


def train_together(jobs: list[Gathered], members: int) -> None:
    """Trains every job, those of one shape together, at most `members` in a process; says which cannot be.

    What a job came to is in its run directory.
    """
    groups: dict[str, list[Gathered]] = {}
    for job in jobs:
        groups.setdefault(_shape(job.settings) or str(job.directory), []).append(job)
    for group in groups.values():
        for start in range(0, len(group), members):
            _train(group[start : start + members])


def _train(group: list[Gathered]) -> None:
    names = ", ".join(job.directory.name for job in group)
    if len(group) > 1:
        print(f"in one process: {names}", flush=True)
        child.work_together([job.directory for job in group], group[0].trusted)
        return
    (job,) = group
    print(f"alone: {names}", flush=True)
    if child.work(job.directory, job.settings["trainer"]["devices"], job.trusted) < 0:
        print(f"{job.directory}: its process was killed", file=sys.stderr, flush=True)


def _shape(settings: dict[str, Any]) -> str | None:
    """What members of a stack have in common; None for a run that has its process to itself."""
    model, objective, trainer = settings["model"], settings["objective"], settings["trainer"]
    encoder, decoder, prior = (model.get(part, {}) for part in ("encoder", "decoder", "prior"))
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
