"""What aevb makes of Hydra's own settings when it composes a config."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.types import RunMode

from aevb.config import CONF
from helpers.in_process import run


@pytest.fixture
def root_logger() -> Iterator[logging.Logger]:
    """The root logger, which is afterwards as before."""
    logger = logging.getLogger()
    level, handlers = logger.level, logger.handlers[:]
    yield logger
    logger.setLevel(level)
    logger.handlers[:] = handlers


def test_notes_of_libraries_are_not_printed(root_logger: logging.Logger, monkeypatch: pytest.MonkeyPatch) -> None:
    # Torch logs statistics of its caches when a process ends while torch is imported, as after Ctrl-C.
    assert run(["--check", "data=digits"], monkeypatch) == 0
    assert root_logger.level == logging.WARNING
    assert logging.getLogger("hydra.sweeper").isEnabledFor(logging.INFO)


@pytest.mark.parametrize("value", ["{a:{}}", "{a:[]}", "{a:{_target_:os.mkdir}}"])
def test_callbacks_are_refused_in_one_line(
    value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["--check", "data=digits", f"+hydra.callbacks={value}"], monkeypatch) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("aevb-train: hydra.callbacks.a")
    assert "no config may have Hydra call that" in line


def compositions(monkeypatch: pytest.MonkeyPatch, *arguments: str, flags: tuple[str, ...] = ()) -> list[RunMode]:
    """For what Hydra composes the config of a command line."""
    assert (
        run(["--check", *flags, *arguments], monkeypatch) == 0
    )  # composes the defaults, which are kept (aevb.cli.job)
    composed, compose = [], ConfigLoaderImpl._load_configuration_impl

    def counted(self: ConfigLoaderImpl, config_name: str, overrides: list[str], run_mode: RunMode, **more: bool):
        if overrides[: len(arguments)] == list(arguments):
            composed.append(run_mode)
        return compose(self, config_name, overrides, run_mode, **more)

    monkeypatch.setattr(ConfigLoaderImpl, "_load_configuration_impl", counted)
    assert run(["--check", *flags, *arguments], monkeypatch) == 0
    return composed


def test_a_command_line_without_a_mode_is_composed_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hydra would compose all of it to look for hydra.mode, which options in a folder of one's own may have."""
    once, asked = [RunMode.RUN], [RunMode.MULTIRUN, RunMode.RUN]
    assert compositions(monkeypatch, "data=digits") == once
    assert compositions(monkeypatch, "data=digits", flags=("--config-dir", str(tmp_path)))[-2:] == asked
    assert compositions(monkeypatch, "data=digits", "hydra.mode=RUN")[-2:] == asked


def test_only_an_experiment_has_a_mode() -> None:
    """What Hydra is not asked for elsewhere."""
    for path in CONF.rglob("*.yaml"):
        if path.relative_to(CONF).parts[0] != "experiment":
            assert "mode" not in ((yaml.safe_load(path.read_text()) or {}).get("hydra") or {}), path


def test_the_mode_of_ones_own_config_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hydra = {"mode": "MULTIRUN", "sweeper": {"params": {"seed": "0,1"}}}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({"defaults": ["train", "_self_"], "hydra": hydra}))
    words = ["--check", "--config-dir", str(tmp_path), "--config-name", "mine", "data=digits"]
    assert run(words, monkeypatch) == 0
    assert capsys.readouterr().out.count(": would train to ") == 2
