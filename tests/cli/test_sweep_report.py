"""A sweep whose report cannot be written says so in one line, and does not fail for it."""

from pathlib import Path
from typing import Any, NoReturn

import pytest

from aevb import report
from aevb.cli.sweep import PlannedRun
from aevb.cli.sweep_report import print_report
from aevb.errors import UserError


def test_a_report_on_a_full_disk_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    def full(*arguments: Any) -> NoReturn:
        raise UserError("x.html: cannot be written (No space left on device); try: make room there")

    monkeypatch.setattr(report, "write_report", full)
    plan = PlannedRun(Path("outputs/runs/a"), {"report": True, "logger": {}}, "done", lambda: None)
    print_report([plan], [])
    output = capsys.readouterr()
    assert output.err == (
        "aevb-train: no report: x.html: cannot be written (No space left on device); try: make room there\n"
    )
    assert output.out == ""
