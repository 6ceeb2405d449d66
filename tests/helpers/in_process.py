"""aevb-train in the process of the test."""

import pytest

from aevb.cli.train import train


def run(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> int:
    """aevb-train in this process; its exit code."""
    monkeypatch.delenv("HYDRA_FULL_ERROR", raising=False)
    monkeypatch.setattr("sys.argv", ["aevb-train", *arguments])
    try:
        train()
    except SystemExit as end:
        return int(end.code or 0)
    return 0
