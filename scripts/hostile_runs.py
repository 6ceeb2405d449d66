"""Run directories as an attacker, an accident or a broken disk would leave them: one copy of a good run for each damage.

Used by scripts/attack and by tests/faults/test_hostile_runs.py.
"""

import io
import os
import shutil
import socket
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch

from aevb.runs import layout

__all__ = ["DAMAGES", "Damage", "plant"]

FILES = (
    layout.CONFIG,
    layout.DONE,
    layout.MANIFEST,
    layout.DATA,
    layout.METRICS,
    layout.TIMING,
    layout.MODEL,
    layout.BEST,
    layout.POSTERIOR_MEANS,
    layout.PROGRESS,
    layout.LEARNING_RATES,
    layout.PRUNED,
    layout.LOCK,
    layout.FAILED,
    layout.LAST_CHECKPOINT,
    f"{layout.EVALUATIONS}/bound-test.json",
)
RECORDS = (
    layout.DONE,
    layout.MANIFEST,
    layout.DATA,
    layout.PROGRESS,
    layout.LEARNING_RATES,
    f"{layout.EVALUATIONS}/bound-test.json",
)
JSON = {
    "list": b"[]",
    "empty": b"",
    "object": b"{}",
    "words": b'"text"',
    "types": b'{"samples_seen": "many", "shape": {}, "starts": 3, "train": 1, "name": 2, "split": [], "n": "x", "values": []}',
    "infinite": b'{"samples_seen": 1e400, "n": 1e400, "mean": 1e400, "starts": [1e400], "train": 1e400}',
    "absurd": b'{"samples_seen": 10, "shape": [1000000000, 1000000000], "train": null, "starts": [{}]}',
    "deep": b"[" * 200_000,
    "digits": b'{"samples_seen": ' + b"9" * 100_000 + b"}",
    "bytes": b"\xff\xfe\x00\x80",
    "surrogate": b'{"samples_seen": 10, "targets": "\\ud800", "n": 10}',
}
TABLES = {
    "columns": b"a,b\n1,2\n",
    "infinite": b"samples_seen,train_bound,test_bound\n1e400,1e400,1\n",
    "negative": b"samples_seen,train_bound,test_bound\n-5,1,1\n",
    "ragged": b"samples_seen,train_bound,test_bound\n5\n5,1,2,3,4\n",
    "empty": b"",
    "bytes": bytes(range(256)) * 10,
    "field": b"samples_seen,train_bound,test_bound\n5," + b"1" * 300_000 + b",1\n",
}
CONFIGS = {
    "aliases": b"a: &a [1,1,1,1,1,1,1,1,1,1]\n"
    + b"".join(b"%c: &%c [%s]\n" % (98 + i, 98 + i, b",".join([b"*%c" % (97 + i)] * 10)) for i in range(9)),
    "deep": b"a: " + b"[" * 100_000,
    "long": b"a: " + b"x" * 3_000_000,
    "list": b"- a\n- b\n",
    "object": b"a: !!python/object/apply:os.getcwd []\n",
}
LINES = {
    "infinite": ("max_samples:", "max_samples: .inf"),
    "words": ("max_samples:", "max_samples: many"),
    "negative": ("max_samples:", "max_samples: -5"),
    "seed": ("seed:", "seed: [1, 2]"),
    "latent": ("latent_dim:", "latent_dim: {a: 1}"),
    "surrogate": ("output_dir:", 'output_dir: "\\ud800"'),
    "location": ("  n_train:", "  path: {a: b}"),
}
ESCAPES = "\x1b]0;owned\x07\x1b[2J\x1b[31mred\r\nforged line\u202e"


class Damage(NamedTuple):
    """One way to damage a run.

    Attributes:
        kind: The kind of fault, as in docs/faults.md.
        name: What is damaged, and how.
        apply: Damages the run directory; the second argument is a folder that must stay as it is.
    """

    kind: str
    name: str
    apply: Callable[[Path, Path], None]


def _remove(path: Path) -> None:
    with suppress(FileNotFoundError):
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    path.parent.mkdir(parents=True, exist_ok=True)


def _special(name: str, what: str, run: Path, victim: Path) -> None:
    path = run / name
    _remove(path)
    if what == "fifo":
        os.mkfifo(path)
    elif what == "link":
        path.symlink_to(victim / "file")
    elif what == "folder link":
        path.symlink_to(victim)
    elif what == "folder":
        path.mkdir()
    elif what == "file":
        path.write_text("a file\n")
    elif what == "device":
        path.symlink_to("/dev/zero")
    else:
        with socket.socket(socket.AF_UNIX) as server:
            here = os.getcwd()
            os.chdir(path.parent)  # the path of a socket is limited to 108 bytes
            try:
                server.bind(path.name)
            finally:
                os.chdir(here)


def _write(name: str, content: bytes, run: Path, victim: Path) -> None:
    (run / name).write_bytes(content)


def _line(start: str, new: str, run: Path, victim: Path) -> None:
    path = run / layout.CONFIG
    lines = path.read_text().splitlines()
    path.write_text("\n".join(new if line.startswith(start) else line for line in lines) + "\n")


def _weights(what: str, run: Path, victim: Path) -> None:
    path = run / layout.MODEL
    if what == "zip bomb":
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("archive/data.pkl", bytes(1 << 28))
        path.write_bytes(buffer.getvalue())
        return
    state = torch.load(path, weights_only=True)
    if what == "float16":
        torch.save({name: value.half() for name, value in state.items()}, path)
    elif what == "nan":
        torch.save({name: value * float("nan") for name, value in state.items()}, path)
    elif what == "other":
        torch.save({name: value + 1 for name, value in state.items()}, path)
    else:
        torch.save([1, 2], path)


def _checkpoint(what: str, run: Path, victim: Path) -> None:
    path = run / layout.LAST_CHECKPOINT
    (run / layout.PREVIOUS_CHECKPOINT).unlink(missing_ok=True)
    saved = torch.load(path, weights_only=True)
    if what == "other run":
        torch.save(saved | {"run": {"fingerprint": "0" * 64, "name": ESCAPES}}, path)
    elif what == "other shape":
        saved["state_dict"] = {name: torch.zeros(3) for name in saved["state_dict"]}
        torch.save(saved, path)
    elif what == "no keys":
        torch.save({"a": 1}, path)
    else:
        torch.save([1, 2], path)


def _escapes(name: str, run: Path, victim: Path) -> None:
    path = run / name
    if name == layout.FAILED:
        (run / layout.DONE).unlink()
        path.write_text(f"Traceback\naevb.errors.UserError: {ESCAPES}")
    elif name == layout.MANIFEST:
        path.write_text('{"versions": {"torch": "\\u001b[2J\\r\\n\\u202e"}}')
    else:
        path.write_text(path.read_text().replace("_target_: aevb.data", '_target_: "\\e[2Jaevb.data'))


def _all() -> Iterator[Damage]:
    for name in FILES:
        for what in ("fifo", "link", "device", "socket", "folder"):
            yield Damage("special files", f"{name} is a {what}", partial(_special, name, what))
    for name in (
        layout.CHECKPOINTS,
        layout.EVALUATIONS,
        layout.BEST_EVALUATIONS,
        layout.TENSORBOARD,
        layout.CSV,
        layout.WANDB,
    ):
        for what in ("folder link", "file", "fifo"):
            yield Damage("special files", f"{name} is a {what}", partial(_special, name, what))
    for what, raw in CONFIGS.items():
        yield Damage("bombs", f"{layout.CONFIG}: {what}", partial(_write, layout.CONFIG, raw))
    for what, (start, new) in LINES.items():
        yield Damage("wrong shape", f"{layout.CONFIG}: {what}", partial(_line, start, new))
    for name in RECORDS:
        for what, raw in JSON.items():
            yield Damage("wrong shape", f"{name}: {what}", partial(_write, name, raw))
    for name in (layout.METRICS, layout.TIMING):
        for what, raw in TABLES.items():
            yield Damage("wrong shape", f"{name}: {what}", partial(_write, name, raw))
    for what in ("zip bomb", "float16", "nan", "other", "list"):
        yield Damage("another's weights", f"{layout.MODEL}: {what}", partial(_weights, what))
    for what in ("other run", "other shape", "no keys", "list"):
        yield Damage("another's checkpoint", f"{layout.LAST_CHECKPOINT}: {what}", partial(_checkpoint, what))
    for name in (layout.FAILED, layout.MANIFEST, layout.CONFIG):
        yield Damage("escape sequences", f"{name}: escapes", partial(_escapes, name))


DAMAGES = tuple(_all())


def plant(good: Path, folder: Path, victim: Path, damage: Damage) -> Path:
    """Copy a good run and damage the copy.

    Args:
        good: A finished run directory with a checkpoint.
        folder: Where the copy is made.
        victim: A folder with a file called `file`, which nothing may change.
        damage: What is done to the copy.

    Returns:
        The damaged run directory.
    """
    name = "".join(character if character.isalnum() else "-" for character in f"{damage.kind} {damage.name}")
    run = Path(shutil.copytree(good, folder / name))
    damage.apply(run, victim)
    return run
