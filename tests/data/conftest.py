"""The real files, a mirror on this machine, and a port where nobody listens."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.local_mirror import LocalMirror, running


@pytest.fixture(scope="session")
def real() -> Path:
    folder = os.environ.get("AEVB_DATA")
    if not folder:
        pytest.skip("needs the real data: set AEVB_DATA to a folder with MNIST and Frey Face")
    return Path(folder)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def mirror() -> Iterator[LocalMirror]:
    with running() as server:
        yield server


@pytest.fixture
def other_mirror() -> Iterator[LocalMirror]:
    with running() as server:
        yield server


@pytest.fixture
def closed() -> str:
    """The address of a port that was just given back."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}/pub"
