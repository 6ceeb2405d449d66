"""aevb-status against planted runs whose states are known, and against the points of a sweep."""

import fcntl
import json
import shlex
import sys
from pathlib import Path

import pytest

from aevb import runs
from aevb.cli.status import rows_of_sweep
from aevb.errors import UserError
from aevb.runs.lock import is_locked
from aevb.runs.status import row, rows_of
from helpers.commands import REPOSITORY, TINY, process, settings, tool
from helpers.in_process import run_command


def planted(directory: Path, samples: int, *overrides: str) -> Path:
    """A run that has come to `samples`."""
    runs.prepare(directory, settings("data=digits", "max_samples=1000", *overrides))
    (directory / "metrics.csv").write_text(f"samples_seen,train_bound\n100,-1.5\n{samples},-1.25\n")
    return directory


@pytest.fixture
def planted_runs(tmp_path: Path) -> Path:
    """Runs in every state there is."""
    folder = tmp_path / "outputs" / "runs"
    runs.mark_done(planted(folder / "a", 1000), {"samples_seen": 1000})
    planted(folder / "b", 250)
    runs.mark_failed(planted(folder / "c", 500), "Traceback\n  line\naevb.errors.UserError: training diverged: nan\n")
    (planted(folder / "d", 500) / "LOCK").touch()
    (planted(folder / "e", 500) / "config.yaml").write_text("{")
    return folder


def test_every_state_is_reported(planted_runs: Path) -> None:
    with (planted_runs / "d" / "LOCK").open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        rows = rows_of(planted_runs)
    assert [(item.state, item.samples_seen) for item in rows] == [
        ("done", 1000), ("partial", 250), ("failed", 500), ("running", 500), ("failed", 0),
    ]  # fmt: skip
    assert rows[2].why == "training diverged: nan"
    assert rows[4].why.startswith("damaged: ")
    assert not is_locked(planted_runs / "d")  # a dead owner keeps no lock
    assert row(planted_runs / "d").state == "partial"
    longer = row(planted_runs / "a", 2000)  # more is wanted than it was trained for
    assert (longer.state, longer.why) == ("partial", "done with 1,000 samples, not extended yet")
    for name in ("metrics.csv", "progress.json"):
        (planted_runs / "d" / name).unlink(missing_ok=True)
    assert row(planted_runs / "d").why == "nothing is saved yet; training begins at 0"
    assert row(planted_runs / "none").state == "missing"
    with pytest.raises(UserError, match="no such folder"):
        rows_of(planted_runs / "none")


def test_a_run_of_two_folders_is_counted_once(
    planted_runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = [str(planted_runs), str(planted_runs / "a")]
    assert run_command("status", [*folders, "--json"], monkeypatch) == 0
    assert [Path(item["run"]).name for item in json.loads(capsys.readouterr().out)] == ["a", "b", "c", "d", "e"]


def test_the_command_prints_a_table_or_json_without_torch(planted_runs: Path, tmp_path: Path) -> None:
    script = str(REPOSITORY / "scripts" / "status.py")
    result = process([sys.executable, "-X", "importtime", script], tmp_path)
    assert result.returncode == 0, result.stderr
    modules = {line.rpartition("|")[2].strip() for line in result.stderr.splitlines()}
    assert "omegaconf" in modules
    assert not {"torch", "lightning", "numpy"} & modules
    lines = [line.split() for line in result.stdout.splitlines()]
    assert lines[2] == ["outputs/runs/b", "partial", "250", "1,000", "25%"]
    assert lines[3][-3:] == ["training", "diverged:", "nan"]
    assert result.stdout.splitlines()[-1] == "1 done, 2 partial, 2 failed"
    answer = tool("status", "--json", "outputs", folder=tmp_path)
    assert [item["state"] for item in json.loads(answer.stdout)][:2] == ["done", "partial"]


def test_the_runs_of_a_sweep_that_are_missing_are_named(tmp_path: Path) -> None:
    name = "digits-sgvb_b-adagrad-z2-s0"
    sweep = ["data=digits", "latent_dim=2,5", "max_samples=1000"]
    runs.mark_done(planted(tmp_path / "outputs" / "runs" / name, 1000, "latent_dim=2"), {"samples_seen": 1000})
    result = tool("status", *sweep, folder=tmp_path)
    assert result.returncode == 0, result.stderr
    lines = [line.split() for line in result.stdout.splitlines()]
    assert lines[1] == ["latent_dim=2", f"outputs/runs/{name}", "done", "1,000", "1,000", "100%"]
    assert lines[2] == ["latent_dim=5", "outputs/runs/digits-sgvb_b-adagrad-z5-s0", "missing", "0", "1,000", "0%"]
    assert lines[-1][4:] == ["aevb-train", "-m", *map(shlex.quote, sweep)]
    result = tool("status", "data=digits", "latent_dim=2", "max_samples=1000", folder=tmp_path)
    assert result.stdout.splitlines()[-1] == "1 done"  # and no command for what is not
    rows = json.loads(tool("status", "--json", "experiment=figure2_mnist", folder=tmp_path).stdout)
    assert len({item["run"] for item in rows}) == 10
    assert {item["state"] for item in rows} == {"missing"}


@pytest.mark.parametrize("command", ["status", "report"])
def test_configs_of_ones_own(command: str, tmp_path: Path) -> None:
    """A sweep whose configs lie in `--config-dir` has its runs named as by aevb-train."""
    (tmp_path / "my configs" / "experiment").mkdir(parents=True)
    sweep = "# @package _global_\ndata: {n_train: 500}\ndefaults:\n  - override /data: digits\n"
    (tmp_path / "my configs" / "experiment" / "mine.yaml").write_text(sweep)
    flags = ["--config-dir", "my configs"]
    overrides = ["experiment=mine", "latent_dim=2,5"]
    result = tool(command, *flags, *overrides, folder=tmp_path)
    assert result.returncode == 0, result.stderr
    if command == "status":
        *rows, _, last = result.stdout.splitlines()
        assert [row.split()[2] for row in rows[1:3]] == ["missing", "missing"]
        assert shlex.split(last.partition(": ")[2]) == ["aevb-train", "-m", *flags, *overrides]
    else:
        assert "2 missing" in (tmp_path / "report.html").read_text()
    for words, message in [
        ([*flags], "--config-dir=my configs: without overrides; allowed: with the overrides of a sweep; try: "),
        (["--config-dir", "none", *overrides], "no such folder; allowed: a folder of YAML files"),
    ]:
        refused = tool(command, *words, folder=tmp_path)
        assert (refused.returncode, len(refused.stderr.splitlines())) == (2, 1)
        assert message in refused.stderr


@pytest.mark.parametrize(
    ("command", "arguments", "words"),
    [
        ("status", "latent_dim=0,2", "latent_dim=0: latent_dim=0: out of range"),
        ("status", "latnet_dim=2", "latnet_dim=2: no such key; did you mean latent_dim?"),
        ("status", "nowhere", "nowhere: no such folder"),
        (
            "status",
            "--watch no;where",
            "no;where: no such folder; allowed: a folder that exists, empty too; try: mkdir -p 'no;where'\n",
        ),
        ("status", "--foo", "unrecognized arguments: --foo; try: aevb-status --help"),
        ("status", "--jsn", "unrecognized arguments: --jsn; did you mean --json?; try: aevb-status --help"),
        ("report", "--out", "unrecognized arguments: --out; did you mean --output?; try: aevb-report --help"),
        ("verify", "nowhere", "run=nowhere: not a run"),
        ("verify", "", "the following arguments are required: run"),
        ("diff", "nowhere", "the following arguments are required: b"),
        ("diff", "nowhere there", "run=nowhere: not a run"),
    ],
)
def test_refusals(command: str, arguments: str, words: str, tmp_path: Path) -> None:
    result = tool(command, *arguments.split(), folder=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith(f"aevb-{command}: {words}")
    assert "Traceback" not in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_message_of_a_refused_sweep_leaves_open_what_ran_before(tmp_path: Path) -> None:
    with pytest.raises(UserError) as error:
        rows_of_sweep(["latent_dim=2,-1", f"output_dir={tmp_path}"], ())
    last = str(error.value).splitlines()[-1]
    assert last == "1 of the sweep's 2 jobs refused; aevb-train would start none of them, so they are not shown"


def test_tiny_is_a_sweep_of_one(tmp_path: Path) -> None:
    rows = json.loads(tool("status", "--json", *TINY, folder=tmp_path).stdout)
    assert [(item["state"], item["max_samples"]) for item in rows] == [("missing", 300)]


@pytest.mark.process
def test_an_existing_folder_is_no_override(tmp_path: Path) -> None:
    runs.prepare(tmp_path / "a=b,c" / "run", settings("data=digits"))
    result = tool("status", "a=b,c", folder=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert "a=b,c/run" in result.stdout


@pytest.mark.process
def test_a_long_name_is_refused_in_one_line(tmp_path: Path) -> None:
    result = tool("status", "x" * 300, folder=tmp_path)
    assert result.returncode == 2
    assert len(result.stderr.splitlines()) == 1
