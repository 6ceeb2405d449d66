"""The three commands: compose, validate, make a run directory, hand over. With aevb.cli.hydra_app, the only module that knows Hydra.

A single run trains in this process; every job of a sweep is a child process, so that one that dies takes no other along, and so
are the ranks of a run on several devices.
"""

import json
import shlex
import sys
from functools import cache, partial
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from aevb import runs
from aevb.cli.commands import set_threads
from aevb.cli.hydra_app import JobContext, run_hydra_app
from aevb.cli.sweep import PlannedRun
from aevb.config import run_name, validate
from aevb.config.instantiate import instantiate
from aevb.errors import ReportedError, UserError
from aevb.execution import pool
from aevb.execution.queue import QueuedRun, current_queue
from aevb.runs import manifest
from aevb.runs.data_hashes import check_same_data
from aevb.runs.lock import lock
from aevb.runs.status import failure_reason

__all__ = ["planned_run", "train"]

VERBS = {"new": "training", "resume": "going on", "extend": "extending"}


def train() -> None:
    """aevb-train: trains a run, or goes on with it, or finds it done."""
    run_hydra_app("train", _train, planned_run)


def _planned(cfg: DictConfig, call: JobContext) -> tuple[dict[str, Any], PlannedRun]:
    settings = validate(cfg, call.trusted)
    settings["choices"] = call.choices
    directory = Path(settings["output_dir"]) / "runs" / run_name(settings, _plain(settings, call))
    settings["name"] = directory.name
    planned_action = runs.planned_action(directory, settings)
    return settings, PlannedRun(
        directory, planned_action, settings["max_samples"], lambda: _check_data(settings, directory, call.trusted)
    )


def planned_run(cfg: DictConfig, call: JobContext) -> PlannedRun:
    return _planned(cfg, call)[1]


def _train(cfg: DictConfig, call: JobContext) -> None:
    settings, plan = _planned(cfg, call)
    directory, planned_action = plan.directory, plan.planned_action
    if planned_action == "done":
        seen = runs.Run(directory).done["samples_seen"]
        print(f"{directory}: finished already, {seen:,} samples{_results(directory)}", flush=True)
        return
    hashes = _check_data(settings, directory, call.trusted)
    with lock(directory):
        runs.prepare(directory, settings)
        check_same_data(directory, hashes, settings["data"])
        if call.preparing:
            from aevb.training.hardware import describe_hardware  # imports torch

            manifest.begin(directory, settings, hashes, describe_hardware(settings["trainer"]["accelerator"]))
            print(f"{directory}: prepared for {settings['max_samples']:,} samples, not trained; from this folder:")
            print(f"    {_worker_command(directory, settings['trainer']['devices'], call.trusted)}", flush=True)
            return
    print(f"{directory}: {VERBS[planned_action]} to {settings['max_samples']:,} samples", flush=True)
    answer = partial(_answer, directory, planned_action, call.sweeping)
    kept_back = current_queue()
    if kept_back is not None:
        kept_back.append(QueuedRun(directory, settings, call.trusted, call.reporting(answer)))
    elif call.sweeping or settings["trainer"]["devices"] > 1:
        answer(pool.run_worker(pool.WorkerCommand.of(directory, settings, call.trusted)))
    else:
        _train_here(directory, planned_action, call.trusted)
        answer(0)


def _train_here(directory: Path, planned_action: str, trusted: tuple[str, ...]) -> None:
    from aevb.training import train_run  # torch comes with it

    try:
        train_run.run(directory, trusted)
    except UserError:
        if planned_action == "new":
            runs.discard(directory)
        raise


def _answer(directory: Path, planned_action: str, sweeping: bool, code: int) -> None:
    # To the exit code of the process that trained; below zero if a signal ended it.
    if code == 0:
        print(f"{directory}: finished{_results(directory)}", flush=True)
        return
    if code == 2:
        why = failure_reason(directory)
        if planned_action == "new":
            runs.discard(directory)
        raise ReportedError(why)
    end = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
    died = f"{directory}: the process {end}; try: the same command, which runs only what is not done"
    if sweeping:
        raise UserError(died)
    sys.exit(f"aevb-train: {died}")


def _results(directory: Path) -> str:
    test = runs.Run(directory).done.get("test", {})
    return "".join(f"; test {name} {value['mean']:.2f} ± {value['standard_error']:.2f}" for name, value in test.items())


def _plain(settings: dict[str, Any], call: JobContext) -> dict[str, Any]:
    # What this run would be if nothing but its short name were asked for.
    groups = [f"{group}={call.choices[group]}" for group in ("data", "objective", "optimizer")]
    return call.compose([*groups, f"latent_dim={settings['latent_dim']}", f"seed={settings['seed']}"])


def _check_data(settings: dict[str, Any], directory: Path, trusted: tuple[str, ...]) -> dict[str, str]:
    # Here and not in the worker alone, so that a fault of the data is told before torch loads and leaves nothing behind.
    set_threads(settings["trainer"]["threads"])
    n_train, hashes = _data(json.dumps(settings["data"]), trusted)
    if (directory / "data.json").is_file():
        check_same_data(directory, hashes, settings["data"])
    if settings["batch_size"] > n_train:
        raise UserError(
            f"batch_size={settings['batch_size']}: more than there are training data; "
            f"allowed: an integer >= 1 and <= {n_train}; try: batch_size={min(100, n_train)}"
        )
    return hashes


@cache
def _data(node: str, trusted: tuple[str, ...]) -> tuple[int, dict[str, str]]:
    # How many are trained on, and the hashes; read once, however many jobs of a sweep share them. Each worker looks again.
    splits = instantiate(json.loads(node), trusted).load()
    return len(splits.train.x), splits.hashes()


def _worker_command(directory: Path, devices: int, trusted: tuple[str, ...]) -> str:
    trust = "".join(f" --trust {name}" for name in trusted)
    worker = f"-m aevb.execution.worker {shlex.quote(str(directory))}{trust}"
    if devices == 1:
        return f"python {worker}"
    machines = next(n for n in range(2, devices + 1) if devices % n == 0)  # the least that share the devices evenly
    place = f"--nnodes {machines} --nproc-per-node {devices // machines} --node-rank RANK --master-addr HOST"
    return (
        f"torchrun {place} --master-port 29500 {worker}    # on each machine; RANK: 0, 1, ...; HOST: the first's name"
    )
