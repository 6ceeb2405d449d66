"""Commands whose output is cut off, cannot be written, or is closed: through a shell, as a user or cron would."""

import io
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from aevb.console.signals import STOP_SIGNALS, stop_signals
from aevb.console.streams import prepare_streams
from aevb.runs.lifecycle import prepare
from aevb.runs.run import finished
from aevb.runs.walk import run_directories
from aevb.training import train_run
from helpers.commands import REPOSITORY, TINY, settings
from helpers.fork_server import as_begun
from helpers.short_runs import DIGITS

pytestmark = pytest.mark.process

BIN = str(Path(sys.executable).parent)


def shell(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs a line in bash, with this environment's commands on the PATH; `$?` is the exit code of the first that failed."""
    environment = as_begun(os.environ) | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    command = ["bash", "-o", "pipefail", "-c", line]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def two_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two finished runs that differ in some keys."""
    folder = tmp_path_factory.mktemp("streams")
    for name, seed in (("a", 0), ("b", 1)):
        run = folder / "outputs" / "runs" / name
        config = settings(*DIGITS, f"seed={seed}", f"latent_dim={2 + seed}", "max_samples=300")
        config["choices"] = {"data": "digits", "objective": "sgvb_b", "optimizer": "adagrad"}
        prepare(run, config)
        train_run.run(run)
    return folder


COMMANDS = {
    "aevb-train": "aevb-train --check -m seed=0,1,2",
    "aevb-evaluate": "aevb-evaluate run=outputs/runs/a evaluator=bound",
    "aevb-figure": "aevb-figure figure=table runs=outputs/runs",
    "aevb-status": "aevb-status",
    "aevb-verify": "aevb-verify outputs/runs/a --samples 100",
    "aevb-diff": "aevb-diff outputs/runs/a outputs/runs/b",
    "aevb-report": "aevb-report outputs/runs --no-images",
    "aevb-explore": "aevb-explore outputs/runs/a",
}
"""A line for every console command; a command without one is tried with --help."""


SEVERAL = "aevb-evaluate 'run=outputs/runs/*' evaluator=bound"
"""Processes of the command write to its standard output."""

SHORT = ("aevb-train", "aevb-status")
"""The commands whose lines in COMMANDS run in every tier, beside SEVERAL; the others are for scripts/test_all."""


def every_command() -> list[Any]:
    scripts = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    lines = [COMMANDS.get(name, f"{name} --help") for name in scripts]
    lines += ["aevb-train --help", "aevb-train --cfg job", "aevb-train --info defaults", SEVERAL]
    short = [*[COMMANDS[name] for name in SHORT], SEVERAL]
    return [line if line in short else pytest.param(line, marks=pytest.mark.long) for line in lines]


@pytest.mark.slow
@pytest.mark.parametrize("command", every_command())
@pytest.mark.fault(
    "the reader of a pipe ends first (`aevb-diff A B | head`), any command",
    "the command ends without a message, exit code 141",
)
def test_a_reader_that_leaves_ends_a_command_quietly(command: str, two_runs: Path) -> None:
    # `true` has closed its end of the pipe long before the command writes.
    result = shell(f"{command} | true", two_runs)
    assert (result.stdout, result.stderr) == ("", "")
    assert result.returncode == 141


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("command", every_command())
@pytest.mark.fault("standard output of any command goes to a full disk", "one line, exit code 1")
def test_output_that_cannot_be_written_is_one_line(command: str, two_runs: Path) -> None:
    result = shell(f"{command} > /dev/full", two_runs)
    program = command.partition(" ")[0]
    assert result.stderr == f"{program}: standard output: No space left on device; try: another place for it\n"
    assert result.returncode == 1


ASCII = "LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0"  # else Python makes UTF-8 of it


@pytest.mark.slow
@pytest.mark.parametrize("command", every_command())
@pytest.mark.fault(
    "an ASCII locale or PYTHONIOENCODING=ascii; standard error on a full disk",
    "the command runs; ± is written as `+-`, and other characters are escaped",
)
def test_a_locale_without_our_characters(command: str, two_runs: Path) -> None:
    results = [
        shell(f"{environment} {command} {error}", two_runs)
        for environment, error in (("PYTHONIOENCODING=ascii", "2> /dev/full"), (ASCII, "<&- 2>&-"))
    ]
    for result in results:
        assert result.stderr == ""
        assert result.stdout.isascii()
        assert result.returncode == (1 if "diff" in command else 0)


@pytest.mark.slow
@pytest.mark.parametrize(
    "closed", [*(pytest.param(one, marks=pytest.mark.long) for one in ("<&-", ">&-", "2>&-")), "<&- >&- 2>&-"]
)
@pytest.mark.fault("a sweep with closed standard streams, as under cron", "every run is trained")
def test_a_sweep_without_standard_streams_trains(closed: str, tmp_path: Path) -> None:
    result = shell(f"aevb-train -m seed=0,1 {' '.join(TINY)} {closed}", tmp_path)
    assert result.returncode == 0, result.stderr
    assert [run.metrics()["samples_seen"][-1] for run in finished(tmp_path)] == [300, 300]


@pytest.mark.slow
@pytest.mark.parametrize("sweep", ["seed=0", "-m seed=0,1,2"])
@pytest.mark.parametrize("output", ["| true", "> /dev/full"])
@pytest.mark.fault(
    "standard output is closed, or its disk is full, before training begins", "no untrained run directory remains"
)
def test_output_cut_off_leaves_no_untrained_run(sweep: str, output: str, tmp_path: Path) -> None:
    result = shell(f"aevb-train {sweep} {' '.join(TINY)} {output}", tmp_path)
    assert result.returncode == (141 if output == "| true" else 1), result.stderr
    assert "Traceback" not in result.stderr
    assert not [row for row in run_directories(tmp_path) if not (row / "metrics.csv").exists()]


@pytest.mark.fault(
    "standard input, output and error are closed, as under cron",
    "the run is trained as usual",
)
@pytest.mark.slow
def test_a_command_without_standard_streams_trains(tmp_path: Path) -> None:
    result = shell(f"aevb-train {' '.join(TINY)} <&- >&- 2>&-", tmp_path)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    (run,) = finished(tmp_path)
    assert sorted(path.name for path in run.directory.glob("*.csv")) == ["metrics.csv", "timing.csv"]
    assert run.metrics()["samples_seen"][-1] == 300  # and no output has landed in the file


def test_nohup_keeps_sighup_ignored() -> None:
    program = "import aevb.console.signals as s, signal; print([n.name for n in s.stop_signals()])"
    result = shell(f"trap '' HUP; {sys.executable} -c '{program}'", Path.cwd())
    assert result.stdout == f"{[number.name for number in STOP_SIGNALS if number.name != 'SIGHUP']}\n", result.stderr
    assert stop_signals() == STOP_SIGNALS


def test_what_an_encoding_lacks_is_replaced() -> None:
    prepare_streams()
    text = io.TextIOWrapper(io.BytesIO(), "ascii", "aevb.replaced")
    text.write("a ± b \u202e \udcff")
    text.flush()
    assert text.buffer.getvalue() == b"a +- b \\u202e \\udcff"  # type: ignore[attr-defined]
