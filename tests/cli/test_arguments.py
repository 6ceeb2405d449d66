"""Arguments of the commands that Hydra does not configure."""

from pathlib import Path

import pytest

import aevb as package
from aevb.cli import entry
from aevb.cli.arguments import Arguments, is_override, overrides_of, run_path
from aevb.errors import UserError
from helpers.commands import aevb


@pytest.mark.parametrize(("text", "path"), [("run=a/b", "a/b"), ("runs=a", "a"), ("a=b", "a=b"), ("run=", "run=")])
def test_a_run_may_be_typed_with_its_key(text: str, path: str) -> None:
    assert run_path(text) == Path(path)


def test_an_empty_path_is_not_the_working_directory() -> None:
    """As `aevb-report "$RUNS"` gives where the variable is not set."""
    with pytest.raises(UserError, match="an argument is empty; allowed: a file or a folder; try: "):
        run_path("")


def test_a_folder_of_that_name_is_taken_literally(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run=a").mkdir()
    assert run_path("run=a") == Path("run=a")


def test_a_run_is_no_override() -> None:
    assert not is_override("run=a")
    assert is_override("latent_dim=2")


def test_folders_and_overrides_do_not_go_together() -> None:
    assert overrides_of(["outputs/runs", "run=a"]) == []
    assert overrides_of(["latent_dim=2", "seed=1"]) == ["latent_dim=2", "seed=1"]
    with pytest.raises(UserError, match="both a folder and overrides"):
        overrides_of(["outputs/runs", "latent_dim=2"])


@pytest.mark.process
@pytest.mark.parametrize("command", entry.__all__)
def test_every_command_prints_the_version(command: str, tmp_path: Path) -> None:
    done = aevb(command, "--version", folder=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"aevb {package.__version__}\n", "")


def test_a_mistyped_flag_of_a_subcommand_is_answered() -> None:
    parser = Arguments(prog="aevb-weights", allow_abbrev=False)
    subcommands = parser.add_subparsers()
    subcommands.add_parser("pack", prog="pack", allow_abbrev=False).add_argument("--output")
    with pytest.raises(UserError, match="--ouput=x; did you mean --output\\?; try: aevb-weights --help"):
        parser.parse_args(["pack", "--ouput=x"])
    with pytest.raises(UserError, match="unrecognized arguments: --zzz; try: "):
        parser.parse_args(["pack", "--zzz"])
