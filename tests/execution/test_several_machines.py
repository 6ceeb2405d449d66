"""Two torchruns, each with a rendezvous environment of its own, as on two machines that share a disk."""

import json
import signal
import socket
import sys
from pathlib import Path

import numpy as np
import pytest

from aevb import runs
from aevb.errors import UserError
from aevb.runs.lock import lock
from aevb.runs.run import Run
from aevb.training import train_run
from aevb.training.multi_device import Ranks
from helpers.commands import Started, aevb, errors, started
from helpers.running import DIGITS, checkpoint, gone_within, processes_in, reach, weights

RUN = (*DIGITS, "max_samples=1e5", "trainer.precision=64", "name=run", "trainer=ddp")


def prepared(folder: Path, *arguments: str) -> tuple[str, str]:
    """What aevb-train --prepare says: about the run, and the command for each machine without the remark behind it."""
    result = aevb("train", "--prepare", *arguments, folder=folder)
    assert (result.returncode, errors(result)) == (0, "")
    note, command = result.stdout.splitlines()
    return note, command.partition("  #")[0].strip()


def launched(command: str, folder: Path) -> list[Started]:
    """The command on machine 0 and on machine 1, with a port that is free."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = str(probe.getsockname()[1])
    address = {"HOST": "localhost", "29500": port}
    name, *words = command.split()
    return [
        started(name, *(str(rank) if word == "RANK" else address.get(word, word) for word in words), folder=folder)
        for rank in (0, 1)
    ]


def ended(machines: list[Started]) -> list[tuple[int | None, str]]:
    """Exit code and output of each, when both have ended."""
    outputs = ["".join(process.communicate(timeout=120)) for process in machines]
    return [(process.returncode, output) for process, output in zip(machines, outputs, strict=True)]


def test_a_prepared_run_is_whole_and_not_trained(tmp_path: Path) -> None:
    note, command = prepared(tmp_path, *RUN, "trainer.devices=6", "batch_size=120")
    assert note == "outputs/runs/run: prepared for 100,000 samples, not trained; from this folder:"
    assert command == (
        "torchrun --nnodes 2 --nproc-per-node 3 --node-rank RANK --master-addr HOST --master-port 29500 "
        "-m aevb.execution.worker outputs/runs/run"
    )
    run = tmp_path / "outputs" / "runs" / "run"
    assert sorted(path.name for path in run.iterdir()) == ["config.yaml", "data.json", "manifest.json"]
    manifest = json.loads((run / "manifest.json").read_text())
    assert manifest["data"] == json.loads((run / "data.json").read_text())
    assert manifest["starts"][0]["command"].startswith("aevb-train --prepare ")
    assert (runs.state(run), manifest["devices"]) == ("partial", 6)

    result = aevb("train", "--prepare", *RUN, "hidden_dim=7", folder=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    assert "holds a run with hidden_dim=30" in result.stderr
    for arguments, words in (
        (["--prepare", "--check"], "--check --prepare: not together"),
        (["--prepare", "latent_dim=0"], "latent_dim=0: out of range"),
    ):
        result = aevb("train", *RUN, "name=other", *arguments, folder=tmp_path)
        assert result.returncode == 2
        assert result.stderr.startswith(f"aevb-train: {words}")
    assert aevb("evaluate", "--prepare", folder=tmp_path).stderr.startswith("aevb-evaluate: --prepare: no such flag")

    result = aevb("train", "--prepare", "-m", *DIGITS, "name=a,b", folder=tmp_path)
    assert (result.returncode, errors(result)) == (0, "")
    assert result.stdout.count("\n    python -m aevb.execution.worker outputs/runs/") == 2
    assert sorted(path.name for path in run.parent.iterdir()) == ["a", "b", "run"]


@pytest.mark.fault(
    "one of two machines is asked to stop; a second launch on the same run",
    "the other machine stops at the same step, and the resumed run has the same bits; the second launch is refused and writes nothing",
)
@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_two_machines_compute_what_one_process_computes(whole, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # torchrun leaves its logs
    one, two = whole
    _, command = prepared(tmp_path, *RUN)
    run = tmp_path / "outputs" / "runs" / "run"
    before = sorted(run.rglob("*"))
    with (
        lock(run),
        pytest.raises(UserError, match=f"{run}: in use by process"),
    ):  # as the first rank of another launch would
        train_run.run(run, ranks=Ranks(rank=0, world=2))
    assert sorted(run.rglob("*")) == before

    machines = launched(command, tmp_path)
    reach(machines[0], run, 10_000)
    machines[1].send_signal(signal.SIGTERM)  # one machine is to be freed: the other stops with it, at the same step
    assert all(code != 0 for code, _ in ended(machines))
    assert 10_000 <= checkpoint(run) < 100_000
    assert gone_within(tmp_path, 10), processes_in(tmp_path)
    assert runs.state(run) == "partial"

    ends = ended(launched(command, tmp_path))
    assert [code for code, _ in ends] == [0, 0], ends
    assert weights(run) == weights(two.directory)
    assert (run / "metrics.csv").read_bytes() == (two.directory / "metrics.csv").read_bytes()
    bounds = [Run(path).metrics()["test_bound"] for path in (run, one.directory)]
    assert np.abs(bounds[0] - bounds[1]).max() < 1e-10
