"""Commands whose output is cut off, cannot be written, or is closed: through a shell, as a user or cron would."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from aevb import runs
from aevb.console.signals import STOP_SIGNALS, stop_signals
from aevb.runs.run import finished
from helpers.commands import TINY, settings
from helpers.fork_server import as_begun

pytestmark = pytest.mark.process

BIN = str(Path(sys.executable).parent)


def shell(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs a line in bash, with this environment's commands on the PATH; `$?` is the exit code of the first that failed."""
    environment = as_begun(os.environ) | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    command = ["bash", "-o", "pipefail", "-c", line]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)


@pytest.fixture
def two_runs(tmp_path: Path) -> Path:
    """A folder with two prepared runs that differ in some keys."""
    for name, seed in (("a", 0), ("b", 1)):
        runs.prepare(
            tmp_path / "outputs" / "runs" / name, settings("data=digits", f"seed={seed}", f"latent_dim={2 + seed}")
        )
    return tmp_path


@pytest.mark.fault(
    "the reader of a pipe leaves (`aevb-diff A B` into `head`)",
    "the command ends quietly, exit code 141",
)
@pytest.mark.parametrize(
    "command",
    ["aevb-diff outputs/runs/a outputs/runs/b", "aevb-status", "aevb-train --help", "aevb-train --check -m seed=0,1,2"],
)
def test_a_reader_that_leaves_ends_a_command_quietly(command: str, two_runs: Path) -> None:
    # `true` has closed its end of the pipe long before the command writes.
    result = shell(f"{command} | true", two_runs)
    assert (result.stdout, result.stderr) == ("", "")
    assert result.returncode == 141


@pytest.mark.fault(
    "standard output is on a full disk",
    "one line, exit code 1",
)
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize(
    "command", ["aevb-diff outputs/runs/a outputs/runs/b", "aevb-status", "aevb-train --check seed=0"]
)
def test_output_that_cannot_be_written_is_one_line(command: str, two_runs: Path) -> None:
    result = shell(f"{command} > /dev/full", two_runs)
    program = command.partition(" ")[0]
    assert result.stderr == f"{program}: standard output: No space left on device; try: another place for it\n"
    assert result.returncode == 1


@pytest.mark.fault(
    "standard input, output and error are closed, as cron may have them",
    "trains as ever",
)
@pytest.mark.slow
def test_a_command_without_standard_streams_trains(tmp_path: Path) -> None:
    result = shell(f"aevb-train {' '.join(TINY)} <&- >&- 2>&-", tmp_path)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    (run,) = finished(tmp_path)
    assert sorted(path.name for path in run.directory.glob("*.csv")) == ["metrics.csv", "timing.csv"]
    assert run.metrics()["samples_seen"][-1] == 300  # and no output has landed in the file


@pytest.mark.slow
def test_a_reader_that_leaves_ends_a_training_quietly(tmp_path: Path) -> None:
    result = shell(f"aevb-train {' '.join(TINY)} | true", tmp_path)
    assert result.returncode == 141
    assert "Error" not in result.stderr
    assert not list(tmp_path.glob("outputs/runs/*/FAILED"))


def test_nohup_keeps_sighup_ignored() -> None:
    program = "import aevb.console.signals as s, signal; print([n.name for n in s.stop_signals()])"
    result = shell(f"trap '' HUP; {sys.executable} -c '{program}'", Path.cwd())
    assert result.stdout == f"{[number.name for number in STOP_SIGNALS if number.name != 'SIGHUP']}\n", result.stderr
    assert stop_signals() == STOP_SIGNALS
