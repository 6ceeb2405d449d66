"""Arguments of the commands that Hydra does not configure."""

from pathlib import Path

import pytest

from aevb.cli.arguments import is_override, run_path


@pytest.mark.parametrize(("text", "path"), [("run=a/b", "a/b"), ("runs=a", "a"), ("a=b", "a=b"), ("run=", "run=")])
def test_a_run_may_be_typed_with_its_key(text: str, path: str) -> None:
    assert run_path(text) == Path(path)


def test_a_folder_of_that_name_is_taken_literally(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run=a").mkdir()
    assert run_path("run=a") == Path("run=a")


def test_a_run_is_no_override() -> None:
    assert not is_override("run=a")
    assert is_override("latent_dim=2")
