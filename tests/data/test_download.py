"""Downloads from a mirror that behaves, and from one that does not."""

import pytest

from aevb.data import download
from aevb.data.download import Unreachable, fetch
from helpers.local_mirror import LocalMirror

RAW = bytes(range(256)) * 400


@pytest.mark.parametrize("behaviour", ["whole", "chunked", "eager"])
def test_bytes_arrive_as_they_were_published(mirror: LocalMirror, behaviour: str) -> None:
    mirror.files["a.gz"] = RAW, behaviour
    assert fetch(f"{mirror.url}/a.gz") == RAW


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ("breaks", "broke off"),
        ("stalls", "no answer within 1 s"),
        ("mute", "no answer within 1 s"),
        ("drips", "stalled: less than 1024 bytes per second over 1 s"),
    ],
)
def test_a_failing_mirror_is_given_up_with_a_reason(mirror: LocalMirror, behaviour: str, reason: str) -> None:
    mirror.files["a.gz"] = RAW, behaviour
    with pytest.raises(Unreachable) as caught:
        fetch(f"{mirror.url}/a.gz", timeout=1)
    assert str(caught.value) == reason


def test_absent_files_closed_ports_and_nonsense_differ(mirror: LocalMirror, closed: str) -> None:
    with pytest.raises(Unreachable, match="answered 404 Not Found"):
        fetch(f"{mirror.url}/absent.gz")
    with pytest.raises(Unreachable, match="no connection"):
        fetch(f"{closed}/a.gz")
    with pytest.raises(Unreachable, match="No scheme supplied"):
        fetch("lab/a.gz")


def test_an_endless_body_is_cut(mirror: LocalMirror, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "LIMIT", 1000)
    mirror.files["a.gz"] = RAW, "whole"
    with pytest.raises(Unreachable, match="sends more than 1,000 bytes"):
        fetch(f"{mirror.url}/a.gz")
