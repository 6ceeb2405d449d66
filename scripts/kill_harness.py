"""Kills a small real run with SIGKILL, from outside, at random times, and proves that nothing is lost by it.

    python scripts/kill_harness.py --kills 50 --objective sgvb_b --json kills.json
    python scripts/kill_harness.py --kills 20 --devices 2

A run is killed and started again until it is done, then another begins, until there were so many kills. Every run that was killed
must end with the weights (sha256), the metrics.csv and the TensorBoard points of one that was not. What is killed is
aevb-train, which notes what it is doing (killed_run.py). A kill that falls upon the writing of a checkpoint falls upon what
is trained meanwhile as well, and is counted there too. With several ranks a kill hits, by chance, everyone at once, one of
the ranks, or the command alone, whose ranks then save what they have.
"""

import argparse
import contextlib
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import killed_run
from killed_run import process_file

from aevb.runs.scratch import scratch

SMALL = ["data=digits", "latent_dim=2", "hidden_dim=30", "max_samples=3e5", "evaluation.start=1"]
OFTEN = ["trainer.checkpoint_minutes=0.0005", "trainer.block=5"]  # every 30 ms, so that writes are met
PHASES = {"s": "starting", "b": "in a block", "o": "between blocks"}
WRITING = "writing a checkpoint"
AIMS = ("all", "one rank", "the command")
PATIENCE = 300.0
ORPHANS = 10.0  # seconds in which those must be gone whose command was killed


def main() -> int:
    """The command line: 0 if every run came to the same bits and enough kills fell where they are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--devices", type=int, default=1, help="ranks")
    parser.add_argument("--objective", default="sgvb_b", help="an option of conf/objective")
    parser.add_argument("--blocks", type=int, default=10, help="kills that must fall into a block of minibatches")
    parser.add_argument("--writes", type=int, default=3, help="kills that must fall into the writing of a checkpoint")
    parser.add_argument("--seed", type=int, default=0, help="of the times")
    parser.add_argument("--json", type=Path, help="where the figures go")
    parser.add_argument("overrides", nargs="*", default=[], help="of the small run, as aevb-train takes them")
    options = parser.parse_args()
    devices = ["trainer=ddp", f"trainer.devices={options.devices}"] if options.devices > 1 else []
    overrides = [f"objective={options.objective}", *devices, *options.overrides]
    with scratch() as folder:
        result = harness(folder, options.kills, random.Random(options.seed), options.devices, overrides)
    result = {"objective": options.objective, "devices": options.devices, **result}
    result["enough"] = result["in a block"] >= options.blocks and result[WRITING] >= options.writes
    for name, value in result.items():
        print(f"{name:>24}  {value}")
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")
    return 0 if result["enough"] and result["kills"] == result["survived"] == result["bit-identical"] else 1


def harness(folder: Path, kills: int, times: random.Random, devices: int, overrides: list[str]) -> dict[str, Any]:
    """Figures of `kills` kills, spread over as many runs as they take."""
    whole = Victim(folder, "whole", devices, overrides)
    began, ended = whole.to_the_end()
    truth, length = whole.outcome(), ended - began
    counts: Counter[str] = Counter(dict.fromkeys(PHASES.values(), 0))
    aims: Counter[str] = Counter()
    survived = identical = runs = writes = 0
    while sum(counts.values()) < kills:
        victim, own_kills = Victim(folder, f"killed-{runs}", devices, overrides), 0
        runs += 1
        while sum(counts.values()) < kills:
            # One in eight while it is starting; the others from the first block on, a few to a run.
            early, aim = times.random() < 1 / 8, times.choice(AIMS) if devices > 1 else "all"
            rank = times.randrange(devices)
            phases = victim.killed_after(times.uniform(0, began if early else length / 5), early, aim, rank)
            if phases is None:
                break
            training, writing = PHASES[phases[0]], phases[1] == "c"
            counts[training] += 1
            writes += writing
            aims[aim] += 1
            own_kills += 1
            met = f"{training}, {WRITING}" if writing else training
            print(f"kill {sum(counts.values())}: run {runs}, {aim}, {met}", flush=True)
        victim.to_the_end()
        outcome = victim.outcome()
        differs = [name for name in truth if outcome[name] != truth[name]]
        survived += own_kills
        identical += 0 if differs else own_kills
        print(f"run {runs}: done after {own_kills} kills, {'differs in ' + ', '.join(differs) if differs else 'same'}")
    totals = {"runs": runs, "kills": sum(counts.values()), "survived": survived, "bit-identical": identical}
    hit = {f"killed: {aim}": count for aim, count in aims.items()} if devices > 1 else {}
    return {
        **totals,
        **counts,
        WRITING: writes,
        **hit,
        "seconds of training": round(length, 2),
        "weights": truth["weights"],
    }


class Victim:
    """A run of the small experiment, made of as many processes as it takes."""

    def __init__(self, folder: Path, name: str, devices: int, overrides: list[str]) -> None:
        self.folder, self.directory = folder, folder / "outputs" / "runs" / name
        self.arguments = [*SMALL, *OFTEN, *overrides, f"name={name}"]
        self.phase, self.devices = folder / f"{name}.phase", devices

    def start(self) -> subprocess.Popen[bytes]:
        """One command, and with several ranks what it starts."""
        self.phase.write_bytes(b"so" * self.devices)
        for path in self.rank_files():
            path.unlink(missing_ok=True)
        command = [sys.executable, killed_run.__file__, "command", str(self.phase), *self.arguments]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        with (self.folder / "output").open("ab") as output:
            return subprocess.Popen(
                command, cwd=self.folder, env=environment, stdout=output, stderr=output, start_new_session=True
            )

    def rank_files(self) -> list[Path]:
        """Where each rank writes its process id."""
        return [process_file(self.phase, rank) for rank in range(self.devices)]

    def begun(self) -> bool:
        """Whether the first block was reached."""
        return self.phase.read_bytes()[:1] != b"s"

    def killed_after(self, seconds: float, early: bool, aim: str, rank: int) -> str | None:
        """What its threads were at when it was killed so long after its start, or after its first block; None if it was done.

        aim: who was killed. rank: which of them, for "one rank"; as long as there are none, everyone.
        """
        process, deadline = self.start(), time.monotonic() + PATIENCE
        while not early and not self.begun() and process.poll() is None:
            self.expect(time.monotonic() < deadline)
            time.sleep(0.002)
        time.sleep(seconds)
        phases = self.kill(process, aim, rank) if process.poll() is None else None
        code = process.wait(PATIENCE)
        deadline = time.monotonic() + ORPHANS
        while tree := self.processes():
            self.expect(time.monotonic() < deadline, f"still there: {tree}")
            time.sleep(0.02)
        if phases is None or code == 0:
            return None
        self.expect(code == -signal.SIGKILL or aim == "one rank")
        return phases

    def kill(self, process: subprocess.Popen[bytes], aim: str, rank: int) -> str:
        """Kills, and tells what the threads of the rank that was hit were at, of the first if it was no rank."""
        tree = self.processes()
        for pid in tree:
            signal_to(pid, signal.SIGSTOP)  # so that nobody moves on between one kill and the next
        tree |= self.processes()
        file = process_file(self.phase, rank)
        hit = [int(file.read_text())] if file.exists() and int(file.read_text() or 0) in tree else []
        notes = self.phase.read_bytes().decode()
        if aim == "all" or (aim == "one rank" and not hit):
            for pid in tree:
                signal_to(pid, signal.SIGKILL)
            return notes[:2]
        for pid in hit if aim == "one rank" else [process.pid]:
            signal_to(pid, signal.SIGKILL)
        for pid in tree:
            signal_to(pid, signal.SIGCONT)
        index = 2 * rank if aim == "one rank" else 0
        return notes[index : index + 2]

    def processes(self) -> dict[int, str]:
        """Who works in the folder of the harness: command lines by id."""
        commands = {}
        for path in Path("/proc").glob("[0-9]*"):
            try:
                if (path / "cwd").resolve() != self.folder.resolve() or not (words := (path / "cmdline").read_text()):
                    continue
            except OSError:
                continue
            commands[int(path.name)] = words.replace("\0", " ")
        return commands

    def to_the_end(self) -> tuple[float, float]:
        """Runs until it is done; returns when its first block came and when it ended, in seconds after the start."""
        start = time.monotonic()
        process, began = self.start(), 0.0
        while process.poll() is None:
            if not began and self.begun():
                began = time.monotonic() - start
            self.expect(time.monotonic() - start < PATIENCE)
            time.sleep(0.002)
        self.expect(process.returncode == 0)
        return began, time.monotonic() - start

    def expect(self, truth: bool, otherwise: str = "did not end as it should") -> None:
        """Gives up, with what the run has said, unless `truth`."""
        if not truth:
            raise SystemExit((self.folder / "output").read_text()[-5000:] + f"\n{self.directory}: {otherwise}")

    def outcome(self) -> dict[str, Any]:
        """All that must not depend on kills."""
        import torch
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        state = torch.load(self.directory / "model.pt", weights_only=True)
        weights = b"".join(name.encode() + value.numpy().tobytes() for name, value in sorted(state.items()))
        reader = EventAccumulator(str(self.directory / "tb"), size_guidance={"scalars": 0, "images": 0}).Reload()
        scalars = [(tag, e.step, e.value) for tag in reader.Tags()["scalars"] for e in reader.Scalars(tag)]
        images = [(tag, e.step, e.encoded_image_string) for tag in reader.Tags()["images"] for e in reader.Images(tag)]
        return {
            "weights": hashlib.sha256(weights).hexdigest(),
            "metrics.csv": (self.directory / "metrics.csv").read_bytes(),
            "scalars": sorted(scalars),
            "images": sorted(images),
            "final values": json.loads((self.directory / "DONE").read_text())["test"],
            "files": sorted(
                str(path.relative_to(self.directory)) for path in self.directory.rglob("*") if path.parent.name != "tb"
            ),
        }


def signal_to(pid: int, number: int) -> None:
    """Sends a signal, if there is still somebody."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


if __name__ == "__main__":
    sys.exit(main())
