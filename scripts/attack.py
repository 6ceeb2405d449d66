"""Run every command over hostile run directories: `scripts/attack [--all] [--folder DIR]`.

A good run of the embedded digits is copied once for each damage of scripts/hostile_runs.py. Every command is then run over every
copy, in a process of its own, and over the folder of all copies. A command may succeed or refuse; it may not hang, print a
traceback or an escape sequence, or change anything outside of the run. Without --all each command sees every seventh copy.
"""

import argparse
import os
import re
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from hostile_runs import DAMAGES, plant

TRAIN = ("data=digits", "latent_dim=2", "hidden_dim=20", "evaluator=bound", "logger=none")
SECONDS = 90
UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]")


def _entry(program: str) -> Callable[[], None]:
    from importlib import import_module

    return getattr(import_module(f"aevb.cli.{program}"), program)


def arguments(program: str, run: Path, good: Path) -> list[str]:
    """Return the arguments with which a command is run over a run directory."""
    return {
        "status": [str(run)],
        "diff": [str(good), str(run)],
        "verify": [str(run), "--samples=100"],
        "evaluate": [f"run='{run}'", "evaluator=bound", "split=test"],
        "figure": ["figure=table", f"runs='{run}'", f"output_dir={run.parent}/figures"],
        "train": [*TRAIN, f"name={run.name}", f"output_dir={run.parents[1]}", "max_samples=600"],
    }[program]


def call(program: str, words: list[str], log: Path) -> tuple[int | None, str]:
    """Run a command in a forked process.

    Args:
        program: Name of the command without `aevb-`.
        words: Its arguments.
        log: The file for its output.

    Returns:
        Exit code (None: it hung) and output.
    """
    pid = os.fork()
    if pid == 0:
        os.setsid()
        handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(handle, 1)
        os.dup2(handle, 2)
        sys.argv = [f"aevb-{program}", *words]
        code = 1
        try:
            _entry(program)()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        except BaseException:
            traceback.print_exc()
            code = 99
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status), log.read_text(errors="replace")
        time.sleep(0.01)
    os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None, log.read_text(errors="replace")


def fault(code: int | None, output: str) -> str | None:
    """Return what a command did wrong, None if nothing."""
    if code is None:
        return f"hung for {SECONDS} s"
    if "Traceback (most recent call last)" in output:
        return f"traceback: {output.strip().splitlines()[-1][:200]}"
    if code not in (0, 1, 2):
        return f"exit code {code}"
    if match := UNSAFE.search(output):
        return f"control character {match[0]!r} in {output[max(0, match.start() - 40) : match.end() + 20]!r}"
    return None


def main() -> int:
    """Run the attack; exit code 0 if every command held."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true", help="every command over every copy")
    parser.add_argument("--only", default="", help="damages whose name has this text")
    parser.add_argument("--folder", type=Path, help="where the copies are made and kept; default: a temporary folder")
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="aevb-attack-"))
    victim = folder / "victim"
    victim.mkdir(parents=True)
    (victim / "file").write_text("precious\n")
    os.environ["OMP_NUM_THREADS"] = "1"
    log = folder / "log"
    code, output = call("train", [*TRAIN, "name=good", f"output_dir={folder}", "max_samples=300"], log)
    if code:
        print(output)
        return 1
    import aevb.evaluation.evaluate_run
    import aevb.training.train_run  # noqa: F401  both are imported once, before the forks

    good = folder / "runs" / "good"
    wanted = [damage for damage in DAMAGES if options.only in f"{damage.kind} {damage.name}"]
    programs = ("status", "diff", "verify", "evaluate", "figure", "train")
    tried, faults = 0, []
    for i, damage in enumerate(wanted):
        for j, program in enumerate(programs):
            if not (options.all or options.only or (i + j) % 7 == 0):
                continue
            run = plant(good, folder / "hostile" / program / "runs", victim, damage)
            code, output = call(program, arguments(program, run, good), log)
            tried += 1
            why = fault(code, output)
            if [path.name for path in victim.iterdir()] != ["file"] or (victim / "file").read_text() != "precious\n":
                why = "changed a file outside of the run"
            if why:
                faults.append(f"aevb-{program}, {damage.name}: {why}")
                print(faults[-1], flush=True)
    for program in ("status", "figure"):  # one bad run must not end the command for the others
        everything = folder / "everything" / program
        shutil.copytree(good, everything / "good")
        for damage in wanted:
            plant(good, everything, victim, damage)
        words = arguments(program, everything, good)
        code, output = call(program, words, log)
        tried += 1
        why = fault(code, output) or (
            None if "good" in output and code == 0 else f"no row for the good run: {output[-300:]}"
        )
        if why:
            faults.append(f"aevb-{program} over all: {why}")
            print(faults[-1], flush=True)
    print(f"{tried} commands over {len(wanted)} damages: {len(faults)} faults")
    if options.folder is None:
        shutil.rmtree(folder)
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
