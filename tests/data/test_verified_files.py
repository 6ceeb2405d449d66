"""Published files are found, verified by content, or downloaded: never used half, never used altered."""

import gzip
import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from aevb.data.verified_files import Published, Source, obtain
from aevb.errors import UserError
from helpers.local_mirror import LocalMirror, running

RAW = bytes(range(256)) * 40
PACKED = gzip.compress(RAW)
ALTERED = b"\x01" + RAW[1:]
A = Published("a", "a.gz", "sha256", hashlib.sha256(RAW).hexdigest(), len(RAW))
B = Published("b", "b.gz", "md5", hashlib.md5(RAW[:100], usedforsecurity=False).hexdigest(), 100)


def source(*mirrors: str, files: tuple[Published, ...] = (A,)) -> Source:
    return Source("Example", files, mirrors, "https://example.org/", "MNIST/raw", "data=digits")


def listing(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def test_local_files_are_used_without_a_request(tmp_path: Path, mirror: LocalMirror) -> None:
    (tmp_path / "a").write_bytes(RAW)
    (tmp_path / "b.gz").write_bytes(gzip.compress(RAW[:100]))
    assert obtain(source(mirror.url, files=(A, B)), str(tmp_path)) == [RAW, RAW[:100]]
    assert mirror.asked == []


def test_only_what_is_missing_is_downloaded_and_then_kept(tmp_path: Path, mirror: LocalMirror) -> None:
    (tmp_path / "a").write_bytes(RAW)
    mirror.files["b.gz"] = gzip.compress(RAW[:100]), "whole"
    for _ in range(2):
        assert obtain(source(mirror.url, files=(A, B)), str(tmp_path)) == [RAW, RAW[:100]]
    assert mirror.asked == ["b.gz"]
    assert listing(tmp_path) == ["MNIST/raw/b.gz", "a"]


@pytest.mark.parametrize(
    ("raw", "actual"),
    [
        (RAW[:-1], f"10,239 bytes with sha256 {hashlib.sha256(RAW[:-1]).hexdigest()}"),
        (ALTERED, f"10,240 bytes with sha256 {hashlib.sha256(ALTERED).hexdigest()}"),
        (PACKED[:-20], "cannot be unpacked"),
        (PACKED[:60] + bytes([PACKED[60] ^ 1]) + PACKED[61:], "cannot be unpacked"),
        (b"", "0 bytes with sha256"),
        (b"<html>not found</html>", "22 bytes with sha256"),
    ],
)
def test_altered_files_are_refused_with_their_hash(tmp_path: Path, raw: bytes, actual: str) -> None:
    (tmp_path / "a").write_bytes(raw)
    with pytest.raises(UserError) as caught:
        obtain(source("http://unused.invalid"), str(tmp_path))
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'a'}: altered or truncated: ")
    assert actual in message
    assert f"expected 10,240 bytes with sha256 {A.digest}" in message
    assert "delete it" in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("raw", "behaviour", "reason"),
    [
        (None, "", "answered 404 Not Found"),
        (PACKED, "breaks", "broke off"),
        (PACKED, "stalls", "no answer within 1 s"),
        (PACKED[:-20], "whole", "delivers 10,"),
        (gzip.compress(ALTERED), "whole", "delivers 10,240 bytes with sha256"),
    ],
)
def test_a_failing_mirror_gives_way_to_the_next(
    tmp_path: Path, mirror: LocalMirror, other_mirror: LocalMirror, raw: bytes | None, behaviour: str, reason: str
) -> None:
    if raw is not None:
        mirror.files["a.gz"] = raw, behaviour
    reason = reason.replace("delivers 10,", f"delivers {len(raw or b''):,}") if raw == PACKED[:-20] else reason
    with pytest.raises(UserError) as caught:
        obtain(source(mirror.url, other_mirror.url), str(tmp_path), timeout=1)
    assert f"{mirror.url}/a.gz: {reason}" in str(caught.value)
    assert f"{other_mirror.url}/a.gz: answered 404 Not Found" in str(caught.value)
    assert listing(tmp_path) == []

    other_mirror.files["a.gz"] = PACKED, "whole"
    assert obtain(source(mirror.url, other_mirror.url), str(tmp_path), timeout=1) == [RAW]
    assert len(mirror.asked) == 2
    assert listing(tmp_path) == ["MNIST/raw/a.gz"]


def test_a_mirror_of_ones_own_replaces_the_public_ones(tmp_path: Path, mirror: LocalMirror, closed: str) -> None:
    mirror.files["a.gz"] = PACKED, "whole"
    assert obtain(source(closed), str(tmp_path), mirror=mirror.url + "/") == [RAW]


def test_no_network_is_one_message_with_everything_to_know(tmp_path: Path, closed: str) -> None:
    root = tmp_path / "nowhere"
    with pytest.raises(UserError) as caught:
        obtain(source(closed, files=(A, B)), str(root))
    assert str(caught.value) == (
        f"data.root={root}: no such folder: Example needs a.gz, b.gz (the download failed: {closed}/a.gz: no "
        f"connection); allowed: these files, packed or not, in {root / 'MNIST' / 'raw'} (they are at "
        f"https://example.org/); try: data=digits"
    )
    assert not root.exists()


def test_without_permission_to_download_nobody_is_asked(tmp_path: Path, mirror: LocalMirror) -> None:
    mirror.files["a.gz"] = PACKED, "whole"
    with pytest.raises(UserError, match=r"Example needs a\.gz \(data\.download=false\)"):
        obtain(source(mirror.url), str(tmp_path), download=False)
    assert mirror.asked == []


LOAD = """
import os, signal, sys
from aevb.data.verified_files import Published, Source, obtain
if "kill" in sys.argv:
    os.replace = lambda *names: os.kill(os.getpid(), signal.SIGKILL)
url, root, digest = sys.argv[1:4]
source = Source("Example", (Published("a", "a.gz", "sha256", digest, 10240),), (url,), "", "MNIST/raw", "")
print(len(obtain(source, root)[0]))
"""


def process(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", LOAD, *arguments], stdout=subprocess.PIPE, text=True)


def test_killed_while_downloading_leaves_no_file(tmp_path: Path, mirror: LocalMirror) -> None:
    mirror.files["a.gz"] = PACKED, "stalls"
    with process(mirror.url, str(tmp_path), A.digest) as child:
        assert mirror.halfway.wait(60)
        child.kill()
    assert child.returncode == -signal.SIGKILL
    assert listing(tmp_path) == []


def test_killed_while_storing_leaves_no_file_under_the_final_name(tmp_path: Path, mirror: LocalMirror) -> None:
    mirror.files["a.gz"] = PACKED, "whole"
    with process(mirror.url, str(tmp_path), A.digest, "kill") as child:
        child.wait(60)
    assert child.returncode == -signal.SIGKILL
    assert "MNIST/raw/a.gz" not in listing(tmp_path)
    assert obtain(source(mirror.url), str(tmp_path)) == [RAW]


def test_processes_that_download_at_once_all_get_the_file(tmp_path: Path) -> None:
    with running(party=4) as mirror:
        mirror.files["a.gz"] = PACKED, "gathers"  # answers only when all four wait
        children = [process(mirror.url, str(tmp_path), A.digest) for _ in range(4)]
        outputs = [child.communicate(timeout=120)[0] for child in children]
    assert [child.returncode for child in children] == [0, 0, 0, 0]
    assert outputs == ["10240\n"] * 4
    assert listing(tmp_path) == ["MNIST/raw/a.gz"]
    assert os.path.getsize(tmp_path / "MNIST/raw/a.gz") == len(PACKED)
