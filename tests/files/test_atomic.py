"""What a reader may rely on after a power cut, and in JSON, which has no nan."""

import json
import math
import os
import stat
from pathlib import Path

import pytest

from aevb.files.atomic import write_json, write_text


def test_a_file_is_on_disk_before_its_name_and_the_name_before_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = []
    sync, replace = os.fsync, os.replace

    def fsync(descriptor: int) -> None:
        steps.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", lambda *paths: (steps.append("name"), replace(*paths)))
    write_text(tmp_path / "a", "text")
    assert steps == ["file", "name", "folder"]


def test_numbers_that_are_not_finite_are_null(tmp_path: Path) -> None:
    write_json(tmp_path / "a", {"one": math.nan, "more": [math.inf, (-math.inf, 1.5)], "text": "nan"})
    assert json.loads((tmp_path / "a").read_text()) == {"one": None, "more": [None, [None, 1.5]], "text": "nan"}
