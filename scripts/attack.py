"""Run every command over hostile run directories: `scripts/attack [--every N] [--only WORD] [--jobs N] [--folder DIR]`.

A good run of the embedded digits is copied once for each command and each damage of scripts/hostile_runs.py, and the command is
run over the copy; then aevb-status, aevb-figure and aevb-report are run over the folder of all damaged runs. A command may
succeed or refuse, but has to succeed on an undamaged copy. It may not hang, print a traceback or a control character, change
anything outside of the run, or keep the good run from being shown. The commands are forked from one process that has loaded
torch, so that all of them take minutes.
"""

import argparse
import os
import re
import shutil
import signal
import sys
import tempfile
import time
import tomllib
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from hostile_runs import DAMAGES, Damage, plant

TRAIN = ("data=digits", "latent_dim=2", "hidden_dim=20", "evaluator=bound", "evaluation.start=1", "logger=none")
SECONDS = 120
UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]")
REPOSITORY = Path(__file__).resolve().parents[1]
ARGUMENTS: dict[str, Callable[[Path, Path], list[str]]] = {
    "status": lambda run, good: [str(run)],
    "diff": lambda run, good: [str(good), str(run)],
    "verify": lambda run, good: [str(run), "--samples=100"],
    "evaluate": lambda run, good: [f"run='{run}'", "evaluator=bound", "split=test"],
    "figure": lambda run, good: ["figure=table", f"runs='{run}'", f"output_dir={run.parent}-figures"],
    "report": lambda run, good: [str(run), "--output", f"{run.parent}-report.html"],
    "explore": lambda run, good: [str(run), "--output", f"{run.parent}-page.html"],
    "train": lambda run, good: [*TRAIN, f"name={run.name}", f"output_dir={run.parents[1]}", "max_samples=600"],
    "export": lambda run, good: [f"run={run}", "format=safetensors"],
    "weights": lambda run, good: ["pack", str(run), "--output", f"{run.parent}-weights.zip"],
}
"""The command line over a run, for each command without `aevb-`. A new command is tried with the run as its argument."""

UNDAMAGED = Damage("none", "nothing is damaged", lambda run, victim: None)

PRELOADED = (
    *(
        "aevb.evaluation.evaluate_run",
        "aevb.explorer",
        "aevb.report",
        "aevb.execution.worker",
        "aevb.figures.studies.table",
    ),
    *("aevb.training.train_run", "scipy.special", "matplotlib.pyplot", "hydra.core.plugins"),
)


class Attack(NamedTuple):
    """A command over a damaged run.

    Attributes:
        program: Name of the command without `aevb-`.
        damage: The damage; None: the folder of all damaged runs.
    """

    program: str
    damage: Damage | None

    @property
    def kind(self) -> str:
        """The kind of the damage."""
        return self.damage.kind if self.damage else "all at once"

    def __str__(self) -> str:
        return f"aevb-{self.program}, {self.damage.name if self.damage else self.kind}"


class Outcome(NamedTuple):
    """What a command did.

    Attributes:
        attack: The attack.
        code: The exit code; None: it hung.
        fault: What it did wrong; None if nothing.
        seconds: Time until it ended.
    """

    attack: Attack
    code: int | None
    fault: str | None
    seconds: float

    @property
    def word(self) -> str:
        """The column of the table."""
        return "fault" if self.fault else "succeeded" if self.code == 0 else "refused"


def entries() -> dict[str, Callable[[], None]]:
    """Return the function of every console command, by its name without `aevb-`."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    functions = {}
    for name, target in project["scripts"].items():
        module, _, function = target.partition(":")
        functions[name.removeprefix("aevb-")] = getattr(import_module(module), function)
    return functions


def run_command(entry: Callable[[], None], program: str, words: list[str], log: Path) -> None:
    """Run a command in this forked process, with its output in a file; does not return."""
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    sys.argv = [f"aevb-{program}", *words]
    code = 1
    try:
        entry()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def in_child(work: Callable[[], None]) -> int:
    """Fork, do the work in a session of its own, and return the process id."""
    sys.stdout.flush()
    if pid := os.fork():
        return pid
    os.setsid()
    try:
        work()
    finally:
        os._exit(99)


def fault(attack: Attack, code: int | None, output: str, victim: Path) -> str | None:
    """Return what a command did wrong, None if nothing."""
    if code is None:
        return f"hung for {SECONDS} s"
    if "Traceback (most recent call last)" in output:
        return f"traceback: {output.strip().splitlines()[-1][:200]}"
    if code not in (0, 1, 2):
        return f"exit code {code}: {output[-200:]}"
    if match := UNSAFE.search(output):
        return f"control character {match[0]!r} in {output[max(0, match.start() - 40) : match.end() + 20]!r}"
    if [path.name for path in victim.iterdir()] != ["file"] or (victim / "file").read_bytes() != b"precious\n":
        return "changed a file outside of the run"
    if attack.damage is UNDAMAGED and code != 0:
        return f"refused an undamaged run: {output.strip()[-200:]}"
    if attack.damage is None and code != 0:
        return f"one bad run ended it for the others: {output.strip()[-200:]}"
    return None


class Attacks:
    """Runs attacks, a few at a time.

    Args:
        folder: Where the copies are made.
        jobs: How many run at a time.
    """

    def __init__(self, folder: Path, jobs: int) -> None:
        self.folder, self.jobs = folder, jobs
        self.good = folder / "runs" / "good"
        self.entries = entries()
        import aevb.execution.child_process as child_process
        from aevb.data.digits import Digits

        for module in PRELOADED:
            import_module(module)
        Digits().load()  # with it scikit-learn, which takes longer to load than a command runs
        child_process.ALONE = "fork"  # torch is loaded already

    def train(self) -> str | None:
        """Train the good run; return the output if it fails."""
        words = [*TRAIN, "name=good", f"output_dir={self.folder}", "max_samples=300"]
        log = self.folder / "log"
        pid = in_child(lambda: run_command(self.entries["train"], "train", words, log))
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        return log.read_text(encoding="utf-8", errors="replace") if code else None

    def run(self, attacks: list[Attack]) -> Iterator[Outcome]:
        """Yield the outcome of every attack as it ends."""
        waiting = list(enumerate(attacks))[::-1]
        running: dict[int, tuple[int, Attack, float]] = {}
        while waiting or running:
            while waiting and len(running) < self.jobs:
                index, attack = waiting.pop()
                copies = self.folder / str(index)
                running[in_child(lambda a=attack, p=copies: self._attack(a, p))] = index, attack, time.monotonic()  # type: ignore[misc]
            for pid, (index, attack, start) in list(running.items()):
                ended, status = os.waitpid(pid, os.WNOHANG)
                code = os.waitstatus_to_exitcode(status) if ended else None
                seconds = time.monotonic() - start
                if not ended and seconds < SECONDS:
                    continue
                if not ended:
                    os.killpg(pid, signal.SIGKILL)
                    os.waitpid(pid, 0)
                del running[pid]
                copies = self.folder / str(index)
                log = copies / "log"
                output = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
                yield Outcome(attack, code, fault(attack, code, output, copies / "victim"), seconds)
                shutil.rmtree(copies, ignore_errors=True)
            time.sleep(0.01)

    def _attack(self, attack: Attack, copies: Path) -> None:
        victim = copies / "victim"
        victim.mkdir(parents=True)
        (victim / "file").write_bytes(b"precious\n")
        if attack.damage is None:
            run = copies / "output" / "runs"
            shutil.copytree(self.good, run / "good")
            for damage in DAMAGES:
                plant(self.good, run, victim, damage)
        else:
            run = plant(self.good, copies / "output" / "runs", victim, attack.damage)
        words = ARGUMENTS.get(attack.program, ARGUMENTS["status"])(run, self.good)
        run_command(self.entries[attack.program], attack.program, words, copies / "log")


def print_table(outcomes: list[Outcome]) -> None:
    """Print how often each command succeeded, refused or failed, for each kind of damage."""
    for kind in dict.fromkeys(item.attack.kind for item in outcomes):
        of_kind = [item for item in outcomes if item.attack.kind == kind]
        for program in dict.fromkeys(item.attack.program for item in of_kind):
            of_program = [item for item in of_kind if item.attack.program == program]
            counts = Counter(item.word for item in of_program)
            slowest = max(item.seconds for item in of_program)
            cells = "  ".join(f"{counts[word]:3d} {word}" for word in ("succeeded", "refused", "fault"))
            print(f"{kind:22} aevb-{program:9} {cells}  slowest {slowest:.1f} s")


def main() -> int:
    """Run the attacks; exit code 0 if every command held."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every N-th pair of command and damage")
    parser.add_argument("--only", default="", metavar="WORD", help="pairs whose kind, damage or command has this text")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="commands at a time (2)")
    parser.add_argument("--folder", type=Path, help="where the copies are made; default: a temporary folder")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    folder = options.folder or Path(tempfile.mkdtemp(prefix="aevb-attack-"))
    folder.mkdir(parents=True, exist_ok=True)
    attacks = Attacks(folder, options.jobs)
    if output := attacks.train():
        print(output)
        return 1
    pairs = [Attack(program, damage) for damage in DAMAGES for program in attacks.entries]
    undamaged = [Attack(program, UNDAMAGED) for program in attacks.entries]  # a command that refuses it attacks nothing
    every = [
        *undamaged,
        *pairs[:: options.every],
        *(Attack(program, None) for program in ("status", "figure", "report")),
    ]
    wanted = [attack for attack in every if options.only in f"{attack.kind} {attack}"]
    outcomes = []
    for outcome in attacks.run(wanted):
        outcomes.append(outcome)
        if outcome.fault:
            print(f"{outcome.attack}: {outcome.fault}", flush=True)
    print_table(outcomes)
    faults = sum(item.fault is not None for item in outcomes)
    print(f"{len(outcomes)} commands over {len(DAMAGES)} damages: {faults} faults")
    if options.folder is None:
        shutil.rmtree(folder, ignore_errors=True)
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
