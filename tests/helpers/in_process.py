"""Commands in the process of the test."""

from importlib import import_module

import pytest

from aevb.cli.data_check import forget_data


def run(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> int:
    """aevb-train in this process; its exit code."""
    return run_command("train", arguments, monkeypatch)


def run_command(name: str, arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> int:
    """A command, without `aevb-`, in this process; its exit code."""
    forget_data()  # read by a test before, from a file of the same name in another folder
    monkeypatch.delenv("HYDRA_FULL_ERROR", raising=False)
    monkeypatch.setattr("sys.argv", [f"aevb-{name}", *arguments])
    try:
        getattr(import_module(f"aevb.cli.{name}"), name)()
    except SystemExit as end:
        return int(end.code or 0)
    return 0
