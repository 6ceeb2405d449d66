"""What aevb makes of Hydra's own settings when it composes a config."""

import logging
from collections.abc import Iterator

import pytest

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
