"""aevb with the release candidate of the next Hydra, installed in a folder of its own where it can be had.

For scripts/test_all, since it is downloaded.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.commands import TINY, process

pytestmark = [pytest.mark.process, pytest.mark.slow, pytest.mark.long]

CANDIDATES = ("hydra-core==1.4.0rc3", "omegaconf==2.4.1rc1")
TRAIN = ["-c", "from aevb.cli.train import train; train()"]
ALL_EXPERIMENTS = """
import json, sys
import hydra
from aevb.cli import hydra_policy
from aevb.cli.composition import hydra_session
from aevb.cli.sweep import check_points, compose_master, is_sweep
from aevb.cli.run_plan import plan_run
from aevb.config import options
hydra_policy.install()
plans = {"hydra": hydra.__version__}
for name in options("experiment"):
    with hydra_session() as application:
        master = compose_master(application, "train", [f"experiment={name}"])
        points = check_points(application, master, plan_run)
    plans[name] = [is_sweep(master), *(str(point.plan.directory) for point in points)]
print(json.dumps(plans))
"""


@pytest.fixture(scope="module")
def candidate(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a process that imports the release candidate."""
    folder = tmp_path_factory.mktemp("candidate")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder), *CANDIDATES]
    installed = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if installed.returncode:
        pytest.skip(f"{CANDIDATES[0]} cannot be installed here: {(installed.stderr.splitlines() or ['?'])[-1]}")
    paths = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {"PYTHONPATH": os.pathsep.join(paths)}


def test_every_experiment_makes_the_same_runs(candidate: dict[str, str], tmp_path: Path) -> None:
    plans = []
    for environment in ({}, candidate):
        # Every warning of Hydra's and OmegaConf's is an error, deprecations among them.
        result = process([sys.executable, "-W", "error", "-c", ALL_EXPERIMENTS], tmp_path, environment)
        assert result.returncode == 0, result.stderr
        plans.append(json.loads(result.stdout))
    current, upcoming = plans
    assert upcoming.pop("hydra").startswith("1.4")
    current.pop("hydra")
    assert len(current) > 20
    assert current == upcoming


@pytest.mark.parametrize("arguments", [["latent_dim=2"], ["-m", "latent_dim=2,3"], ["latent_dim=0"]], ids=" ".join)
def test_the_command_runs(candidate: dict[str, str], arguments: list[str], tmp_path: Path) -> None:
    result = process([sys.executable, *TRAIN, *TINY, *arguments], tmp_path, candidate)
    if arguments == ["latent_dim=0"]:
        assert result.returncode == 2
        assert result.stderr == "aevb-train: latent_dim=0: out of range; allowed: an integer >= 1; try: latent_dim=20\n"
        return
    assert result.returncode == 0, result.stderr
    assert "Warning" not in result.stderr  # of Hydra's or Python's
    assert len(list(tmp_path.glob("outputs/runs/*/DONE"))) == (2 if "-m" in arguments else 1)
