"""Kills a small real run with SIGKILL, from outside, at random times, and proves that nothing is lost by it.

    python scripts/kill_harness.py --kills 50 --json kills.json

A run is killed and started again until it is done, then another begins, until there were so many kills. Every run that was killed
must end with the weights (sha256), the metrics.csv and the TensorBoard points of one that was not. The program that is killed
is aevb-train itself; around its blocks of minibatches and its writing of checkpoints it notes one letter in a byte
of memory shared with a file, so that what a kill fell upon is known without asking.
"""

import argparse
import functools
import hashlib
import json
import mmap
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

SMALL = ["data=digits", "latent_dim=2", "hidden_dim=30", "max_samples=3e5", "evaluator.importance.samples=5"]
OFTEN = ["trainer.checkpoint_minutes=0.0005"]  # 30 ms, so that writes are met
PHASES = {"s": "starting", "b": "in a block", "c": "writing a checkpoint", "o": "between blocks"}
PATIENCE = 300.0


def main() -> int:
    """The command line: 0 if every run came to the same bits and enough kills fell where they are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--blocks", type=int, default=10, help="kills that must fall into a block of minibatches")
    parser.add_argument("--writes", type=int, default=3, help="kills that must fall into the writing of a checkpoint")
    parser.add_argument("--seed", type=int, default=0, help="of the times")
    parser.add_argument("--json", type=Path, help="where the figures go")
    parser.add_argument("overrides", nargs="*", default=[], help="of the small run, as aevb-train takes them")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="aevb-kills-") as folder:
        result = harness(Path(folder), options.kills, random.Random(options.seed), options.overrides)
    result["enough"] = result["in a block"] >= options.blocks and result["writing a checkpoint"] >= options.writes
    for name, value in result.items():
        print(f"{name:>24}  {value}")
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")
    return 0 if result["enough"] and result["kills"] == result["survived"] == result["bit-identical"] else 1


def harness(folder: Path, kills: int, times: random.Random, overrides: list[str]) -> dict[str, Any]:
    """Figures of `kills` kills, spread over as many runs as they take."""
    whole = Victim(folder, "whole", overrides)
    began, ended = whole.to_the_end()
    truth, length = whole.outcome(), ended - began
    counts: Counter[str] = Counter(dict.fromkeys(PHASES.values(), 0))
    survived = identical = runs = 0
    while sum(counts.values()) < kills:
        victim, mine = Victim(folder, f"killed-{runs}", overrides), 0
        runs += 1
        while sum(counts.values()) < kills:
            # One in eight while it is starting; the others from the first block on, a few to a run.
            early = times.random() < 1 / 8
            phase = victim.killed_after(times.uniform(0, began if early else length / 5), early)
            if phase is None:
                break
            counts[PHASES[phase]] += 1
            mine += 1
            print(f"kill {sum(counts.values())}: run {runs}, {PHASES[phase]}", flush=True)
        victim.to_the_end()
        found = victim.outcome()
        differs = [name for name in truth if found[name] != truth[name]]
        survived += mine
        identical += 0 if differs else mine
        print(f"run {runs}: done after {mine} kills, {'differs in ' + ', '.join(differs) if differs else 'same'}")
    totals = {"runs": runs, "kills": sum(counts.values()), "survived": survived, "bit-identical": identical}
    return {**totals, **counts, "seconds of training": round(length, 2), "weights": truth["weights"]}


class Victim:
    """A run of the small experiment, made of as many processes as it takes."""

    def __init__(self, folder: Path, name: str, overrides: list[str]) -> None:
        self.folder, self.directory = folder, folder / "outputs" / "runs" / name
        self.arguments = [*SMALL, *OFTEN, *overrides, f"name={name}"]
        self.phase = folder / f"{name}.phase"

    def start(self) -> subprocess.Popen[bytes]:
        """One process, the leader of a group of its own."""
        self.phase.write_bytes(b"s")
        command = [sys.executable, __file__, "child", str(self.phase), *self.arguments]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        with (self.folder / "output").open("ab") as output:
            return subprocess.Popen(
                command, cwd=self.folder, env=environment, stdout=output, stderr=output, start_new_session=True
            )

    def killed_after(self, seconds: float, early: bool) -> str | None:
        """The phase it was in when it was killed so long after its start, or after its first block; None if it was done."""
        process, deadline = self.start(), time.monotonic() + PATIENCE
        while not early and self.phase.read_bytes() == b"s" and process.poll() is None:
            self.expect(time.monotonic() < deadline)
            time.sleep(0.002)
        time.sleep(seconds)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)  # not reaped yet, so the group is still this one
        if process.wait(PATIENCE) == 0:
            return None
        self.expect(process.returncode == -signal.SIGKILL)
        return self.phase.read_bytes().decode()

    def to_the_end(self) -> tuple[float, float]:
        """Runs until it is done; returns when its first block came and when it ended, in seconds after the start."""
        start = time.monotonic()
        process, began = self.start(), 0.0
        while process.poll() is None:
            if not began and self.phase.read_bytes() != b"s":
                began = time.monotonic() - start
            self.expect(time.monotonic() - start < PATIENCE)
            time.sleep(0.002)
        self.expect(process.returncode == 0)
        return began, time.monotonic() - start

    def expect(self, truth: bool) -> None:
        """Gives up, with what the run has said, unless `truth`."""
        if not truth:
            raise SystemExit(
                (self.folder / "output").read_text()[-5000:] + f"\n{self.directory} did not end as it should"
            )

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


def child(phase: Path, arguments: list[str]) -> None:
    """aevb-train, noting in the first byte of `phase` what it is doing."""
    from aevb.experiment import train
    from aevb.training.checkpoint import DurableCheckpointIO
    from aevb.training.module import Training

    with phase.open("r+b") as file:
        note = mmap.mmap(file.fileno(), 1)  # the byte outlives the process without a system call

    def noted(function: Callable[..., Any], letter: str) -> Callable[..., Any]:
        @functools.wraps(function)  # Lightning looks at the arguments
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            note[:] = letter.encode()
            try:
                return function(*args, **kwargs)
            finally:
                note[:] = b"o"

        return wrapper

    Training.training_step = noted(Training.training_step, "b")  # type: ignore[method-assign]
    DurableCheckpointIO.save_checkpoint = noted(DurableCheckpointIO.save_checkpoint, "c")  # type: ignore[method-assign]
    sys.argv = ["aevb-train", *arguments]
    train()


if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        child(Path(sys.argv[2]), sys.argv[3:])
    else:
        sys.exit(main())
