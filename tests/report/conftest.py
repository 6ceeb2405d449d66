"""Planted runs and pages for the tests of the report."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from aevb import runs
from aevb.files.atomic import write_json
from aevb.report import write_report
from aevb.runs.status import rows_of
from helpers.figure_runs import plant
from helpers.html_page import HOSTILE
from helpers.webdriver import Browser, browser


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three seeds at two latent dimensions, and a failed and a damaged run, with hostile text."""
    for latent_dim in (2, 5):
        for seed in (0, 1, 2):
            train = {100: -300.0 - seed, 1000: -200.125 - seed, 10000: -150.0625 + latent_dim - seed}
            plant(tmp_path, "data=digits", f"latent_dim={latent_dim}", f"seed={seed}", train=train)
    failed = plant(tmp_path, "data=digits", "latent_dim=10", train={100: -310.0}, finish=False)
    runs.mark_failed(
        failed, f'Traceback\n  File "/home/alice/aevb/x.py"\nValueError: {HOSTILE} on node17.example.org\n'
    )
    write_json(
        failed / "manifest.json",
        {"versions": {"torch": "2.9"}, "starts": [{"time": "2026-01-02T03:04:05+00:00", "host": "node17.example.org",
         "pid": 1, "command": "aevb-train data.root=/scratch/alice/mnist"}]},
    )  # fmt: skip
    damaged = plant(tmp_path, "data=digits", "latent_dim=20", train={100: -310.0})
    (damaged / "metrics.csv").write_text("samples_seen,train_bound\nx,y\n")
    (plant(tmp_path, "data=digits", "latent_dim=3", train={100: -1.0}) / "config.yaml").write_text("{")
    return tmp_path


@pytest.fixture(scope="module")
def window() -> Iterator[Browser]:
    """One window for the tests of a module."""
    with browser() as opened:
        yield opened


@pytest.fixture
def nothing_is_chosen(window: Browser) -> None:
    """No entry of the history that the next page could take over, as a reload does."""
    window.close()


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of three seeds at two latent dimensions of MNIST."""
    folder = tmp_path_factory.mktemp("report")
    for latent_dim in (10, 20):
        for seed in (0, 1, 2):
            train = {10**4: -300.0 - seed, 10**5: -180.5 - seed, 10**6: -130.0625 + latent_dim - seed}
            plant(folder / "runs", f"latent_dim={latent_dim}", f"seed={seed}", train=train)
    write_report(rows_of(folder / "runs"), folder / "report.html")
    return folder / "report.html"
