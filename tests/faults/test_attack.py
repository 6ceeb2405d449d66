"""scripts/attack in a short form: some pairs of command and damage, and the folder of all damaged runs."""

import re

import pytest

from helpers.commands import REPOSITORY, process

pytestmark = [pytest.mark.process, pytest.mark.slow]


@pytest.mark.fault("every console command on damaged runs (`scripts/attack`)", "none hangs or prints a traceback")
def test_a_short_attack_finds_no_fault() -> None:
    result = process(["bash", "scripts/attack", "--every", "499"], REPOSITORY)
    assert result.returncode == 0, result.stdout + result.stderr
    assert re.search(r"^\d+ commands over \d+ damages: 0 faults$", result.stdout, re.MULTILINE)
    for command in (
        "train",
        "evaluate",
        "verify",
        "figure",
        "report",
        "status",
        "diff",
        "export",
        "weights",
        "explore",
    ):
        assert f"aevb-{command}" in result.stdout, command
