"""The three commands: compose, validate, make a run directory, hand over. With aevb.cli, the only module that knows Hydra.

A single run trains in this process; every job of a sweep is a child process, so that one that dies takes no other along, and so
are the ranks of a run on several devices.
"""

import json
import os
import shlex
import sys
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from aevb import child, runs
from aevb.arguments import Arguments, command
from aevb.build import build
from aevb.cli import Call, launch, take_trusted
from aevb.config import run_name, validate
from aevb.errors import Told, UserError
from aevb.gathering import Gathered, gathered
from aevb.integrity import same_data
from aevb.lock import lock
from aevb.refusals import explain, refused
from aevb.status import found, last_words, row, show
from aevb.sweep import Plan, points

__all__ = ["evaluate", "figure", "status", "train"]

VERBS = {"new": "training", "resume": "going on", "extend": "extending"}


def train() -> None:
    """aevb-train: trains a run, or goes on with it, or finds it done."""
    launch("train", _train, _plan)


def evaluate() -> None:
    """aevb-evaluate: evaluates a finished run."""
    launch("evaluate", _evaluate, _validates("evaluate"))


def figure() -> None:
    """aevb-figure: draws a figure from finished runs."""
    launch("figure", _figure, _validates("figure"))


def status() -> None:
    """aevb-status: how far runs have come, or the runs that a sweep would make."""
    command("aevb-status", _status)


def _planned(cfg: DictConfig, call: Call) -> tuple[dict[str, Any], Plan]:
    settings = validate(cfg, call.trusted)
    settings["choices"] = call.choices
    directory = Path(settings["output_dir"]) / "runs" / run_name(settings, _plain(settings, call))
    settings["name"] = directory.name
    outlook = runs.outlook(directory, settings)
    return settings, Plan(
        directory, outlook, settings["max_samples"], lambda: _check_data(settings, directory, call.trusted)
    )


def _plan(cfg: DictConfig, call: Call) -> Plan:
    return _planned(cfg, call)[1]


def _validates(root: str) -> Callable[[DictConfig, Call], None]:
    def check(cfg: DictConfig, call: Call) -> None:
        validate(cfg, call.trusted, root)

    return check


def _train(cfg: DictConfig, call: Call) -> None:
    settings, plan = _planned(cfg, call)
    directory, outlook = plan.directory, plan.outlook
    if outlook == "done":
        seen = runs.Run(directory).done["samples_seen"]
        print(f"{directory}: finished already, {seen:,} samples{_results(directory)}", flush=True)
        return
    hashes = _check_data(settings, directory, call.trusted)
    with lock(directory):
        runs.prepare(directory, settings)
        same_data(directory, hashes, settings["data"])
        if call.preparing:
            from aevb import manifest  # torch comes with it

            manifest.begin(directory, settings, hashes)
            print(f"{directory}: prepared for {settings['max_samples']:,} samples, not trained; from this folder:")
            print(f"    {_worker_command(directory, settings['trainer']['devices'], call.trusted)}", flush=True)
            return
    print(f"{directory}: {VERBS[outlook]} to {settings['max_samples']:,} samples", flush=True)
    answer = partial(_answer, directory, outlook, call.sweeping)
    kept_back = gathered()
    if kept_back is not None:
        kept_back.append(Gathered(directory, settings, call.trusted, call.reporting(answer)))
    elif call.sweeping or settings["trainer"]["devices"] > 1:
        answer(child.work(child.Work.of(directory, settings, call.trusted)))
    else:
        _train_here(directory, outlook, call.trusted)
        answer(0)


def _train_here(directory: Path, outlook: str, trusted: tuple[str, ...]) -> None:
    from aevb import worker  # torch comes with it

    try:
        worker.run(directory, trusted)
    except UserError:
        if outlook == "new":
            runs.discard(directory)
        raise


def _answer(directory: Path, outlook: str, sweeping: bool, code: int) -> None:
    # To the exit code of the process that trained; below zero if a signal ended it.
    if code == 0:
        print(f"{directory}: finished{_results(directory)}", flush=True)
        return
    if code == 2:
        why = last_words(directory)
        if outlook == "new":
            runs.discard(directory)
        raise Told(why)
    end = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
    died = f"{directory}: the process {end}; try: the same command, which runs only what is not done"
    if sweeping:
        raise UserError(died)
    sys.exit(f"aevb-train: {died}")


def _results(directory: Path) -> str:
    test = runs.Run(directory).done.get("test", {})
    return "".join(f"; test {name} {value['mean']:.2f} ± {value['standard_error']:.2f}" for name, value in test.items())


def _plain(settings: dict[str, Any], call: Call) -> dict[str, Any]:
    # What this run would be if nothing but its short name were asked for.
    groups = [f"{group}={call.choices[group]}" for group in ("data", "objective", "optimizer")]
    return call.compose([*groups, f"latent_dim={settings['latent_dim']}", f"seed={settings['seed']}"])


def _threads(count: int) -> None:
    os.environ.update(child.threads(count))


def _check_data(settings: dict[str, Any], directory: Path, trusted: tuple[str, ...]) -> dict[str, str]:
    # Here and not in the worker alone, so that a fault of the data is told before torch loads and leaves nothing behind.
    _threads(settings["trainer"]["threads"])
    n_train, hashes = _data(json.dumps(settings["data"]), trusted)
    if (directory / "data.json").is_file():
        same_data(directory, hashes, settings["data"])
    if settings["batch_size"] > n_train:
        raise UserError(
            f"batch_size={settings['batch_size']}: more than there are training data; "
            f"allowed: an integer >= 1 and <= {n_train}; try: batch_size={min(100, n_train)}"
        )
    return hashes


@cache
def _data(node: str, trusted: tuple[str, ...]) -> tuple[int, dict[str, str]]:
    # How many are trained on, and the hashes; read once, however many jobs of a sweep share them. Each worker looks again.
    splits = build(json.loads(node), trusted).load()
    return len(splits.train.x), splits.hashes()


def _worker_command(directory: Path, devices: int, trusted: tuple[str, ...]) -> str:
    trust = "".join(f" --trust {name}" for name in trusted)
    worker = f"-m aevb.worker {shlex.quote(str(directory))}{trust}"
    if devices == 1:
        return f"python {worker}"
    machines = next(n for n in range(2, devices + 1) if devices % n == 0)  # the least that share the devices evenly
    place = f"--nnodes {machines} --nproc-per-node {devices // machines} --node-rank RANK --master-addr HOST"
    return (
        f"torchrun {place} --master-port 29500 {worker}    # on each machine; RANK: 0, 1, ...; HOST: the first's name"
    )


def _evaluate(cfg: DictConfig, call: Call) -> None:
    settings = validate(cfg, call.trusted, "evaluate")
    directory = Path(settings["run"])
    runs.read_settings(directory)
    if runs.state(directory) != "done":
        raise UserError(
            f"run={directory}: not finished; try: the aevb-train command that began it, which goes on with it"
        )
    _threads(settings["threads"])
    from aevb.evaluate import evaluate_run  # torch comes with it

    splits = settings["split"] if isinstance(settings["split"], list) else [settings["split"]]
    rest = {key: settings[key] for key in ("first", "data_root", "seed", "threads", "matmul")}
    evaluate_run(directory, settings["evaluator"], splits, **rest, trusted=call.trusted)


def _figure(cfg: DictConfig, call: Call) -> None:
    settings = validate(cfg, call.trusted, "figure")
    _threads(1)
    drawing = build(settings["figure"], call.trusted)
    for path in drawing.draw(Path(settings["runs"]), Path(settings["output_dir"]), call.trusted):
        print(path)


def _status() -> int:
    parser = Arguments("aevb-status", description=status.__doc__, allow_abbrev=False)
    parser.add_argument(
        "what",
        nargs="*",
        default=["outputs/runs"],
        help="a folder with runs (outputs/runs); or the overrides of an aevb-train sweep, whose runs are then all named",
    )
    parser.add_argument("--json", action="store_true", help="for programs")
    trusted = take_trusted()
    given = parser.parse_args([argument for argument in sys.argv[1:] if argument not in ("-m", "--multirun")])
    overrides = [argument for argument in given.what if "=" in argument]
    if not overrides:
        show([item for folder in given.what for item in found(Path(folder))], given.json)
        return 0
    if len(overrides) < len(given.what):
        raise UserError("both a folder and overrides; allowed: one of them; try: output_dir=DIR for runs elsewhere")
    try:
        asked = points(overrides, lambda cfg, groups, name: _plan(cfg, Call(trusted, True, groups, name)))
    except Exception as error:
        if isinstance(error, UserError) or not refused(error):
            raise
        raise UserError(explain(error, "train", overrides)) from error
    rows = [row(point.plan.directory, point.plan.max_samples, point.label) for point in asked if point.plan]
    show(rows, given.json)
    if not given.json and any(item.state not in ("done", "running") for item in rows):
        trust = [f"--trust={module}" for module in trusted]
        print(f"what is not done: {shlex.join(['aevb-train', '-m', *trust, *overrides])}")
    return 0
