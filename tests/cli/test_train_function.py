"""aevb.train: the run of the command, from Python, which gets its process back as it was."""

import hashlib
import inspect
import os
import signal
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

import aevb
from aevb.errors import UserError
from aevb.evaluators import blocks
from aevb.execution import queue
from aevb.runs.run import Run
from helpers.commands import TINY, Started, python
from helpers.commands import aevb as command
from helpers.python_runs import SMALL
from helpers.running import checkpoint

pytestmark = [pytest.mark.process, pytest.mark.slow]

WORDS = [*TINY, "optimizer=adam", "optimizer.lr=1e-3"]
MODIFIED = """\
import os, sys, torch, aevb
sys.argv = ["ipykernel_launcher.py", "-f", "/nowhere/kernel.json"]
torch.set_default_dtype(torch.float64)
torch.set_num_threads(2)
torch.set_float32_matmul_precision("medium")
torch.use_deterministic_algorithms(True)
torch.manual_seed(7)
before = dict(os.environ), torch.get_rng_state()
with torch.no_grad():
    run = aevb.train(*WORDS, progress=False)
assert dict(os.environ) == before[0]
assert torch.equal(torch.get_rng_state(), before[1])
assert torch.get_default_dtype() == torch.float64
assert torch.get_num_threads() == 2
assert torch.get_float32_matmul_precision() == "medium"
assert torch.are_deterministic_algorithms_enabled()
"""
INTERRUPTED = """\
import aevb
try:
    aevb.train(data="digits", latent_dim=2, hidden_dim=20, optimizer="adam", max_samples=10**9, logger="none")
except KeyboardInterrupt as interruption:
    print("interrupted:", interruption)
"""


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def bits(run: Path) -> tuple[str, str, str]:
    return run.name, sha256(run / "model.pt"), sha256(run / "metrics.csv")


@pytest.fixture(scope="module")
def commanded(tmp_path_factory):
    """The run of the command line."""
    folder = tmp_path_factory.mktemp("command")
    result = command("train", *WORDS, folder=folder)
    assert result.returncode == 0, result.stderr
    (run,) = (folder / "outputs" / "runs").iterdir()
    return run


def test_same_name_fingerprint_and_bits_as_the_command(commanded, tmp_path):
    settings = {**SMALL, "optimizer.lr": 1e-3, "output_dir": tmp_path}
    run = aevb.train(**settings, progress=False)
    assert bits(run.directory) == bits(commanded)
    assert Run(run.directory).fingerprint == Run(commanded).fingerprint
    words = aevb.train(
        *TINY, "optimizer=adam", optimizer={"lr": 1e-3}, output_dir=str(tmp_path / "words"), progress=False
    )
    assert bits(words.directory) == bits(commanded)
    assert "aevb-train data=digits" in (run.directory / "manifest.json").read_text()


def test_bits_do_not_depend_on_the_state_of_the_process(commanded, tmp_path):
    program = MODIFIED.replace("*WORDS", f"*{WORDS!r}")
    result = python("-c", program, folder=tmp_path)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert bits(tmp_path / "outputs" / "runs" / commanded.name) == bits(commanded)


def test_several_devices_train_in_child_processes(tmp_path):
    program = f"import aevb; print(aevb.train(*{[*WORDS, 'trainer=ddp']!r}, progress=False))"
    result = python("-c", program, folder=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert "TrainedRun('digits-sgvb_b-adam-z2-s0" in result.stdout


def test_a_run_alone_is_evaluated_on_all_cores(tmp_path, monkeypatch):
    used = []
    monkeypatch.setattr(queue, "available_cores", lambda: 6)
    monkeypatch.setattr(blocks, "in_order", lambda function, items, cores: used.append(cores) or map(function, items))
    run = aevb.train(**SMALL, output_dir=tmp_path, progress=False)
    assert set(used) == {6}
    used.clear()
    aevb.train("evaluation.cores=3", "seed=1", **SMALL, output_dir=tmp_path, progress=False)
    assert set(used) == {3}
    used.clear()
    run.evaluate("importance", samples=2, progress=False)
    run.evaluate("importance", samples=3, threads=2, progress=False)
    run.evaluate("importance", samples=4, cores=4, progress=False)
    assert used == [6, 3, 4]


def test_a_finished_run_is_returned_and_a_longer_one_extends_it(tmp_path):
    run = aevb.train(**SMALL, output_dir=tmp_path, progress=False)
    written = (run.directory / "model.pt").stat().st_mtime_ns
    assert aevb.train(**SMALL, output_dir=tmp_path, progress=False).directory == run.directory
    assert (run.directory / "model.pt").stat().st_mtime_ns == written
    longer = aevb.train(**{**SMALL, "max_samples": 600}, output_dir=tmp_path, progress=False)
    assert longer.directory == run.directory
    assert Run(run.directory).done["samples_seen"] == 600


def test_an_interrupted_run_has_saved_and_goes_on(tmp_path):
    process = Started([sys.executable, "-c", INTERRUPTED], tmp_path, None)
    runs = tmp_path / "outputs" / "runs"
    deadline = time.monotonic() + 120
    while not list(runs.glob("*/metrics.csv")) and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "interrupted: outputs/runs/digits-" in out
    (run,) = runs.iterdir()
    saved = checkpoint(run)
    assert saved > 0
    assert not (run / "FAILED").exists()
    settings = {
        "data": "digits",
        "latent_dim": 2,
        "hidden_dim": 20,
        "logger": "none",
        "max_samples": saved + 1000,
        "optimizer": "adam",
    }
    finished = aevb.train(**settings, name=run.name, output_dir=tmp_path / "outputs", progress=False)
    assert Run(finished.directory).done["samples_seen"] >= saved + 1000


def test_a_run_that_used_its_time_has_saved(tmp_path):
    settings = {**SMALL, "max_samples": 10**9, "max_time": 2, "output_dir": tmp_path}
    with pytest.raises(UserError, match="has saved and is not finished; try: the same call, which resumes it"):
        aevb.train(**settings, progress=False)
    (run,) = (tmp_path / "runs").iterdir()
    assert checkpoint(run) > 0


def test_a_run_that_used_its_time_in_a_trial_has_no_checkpoint(tmp_path):
    settings = {**SMALL, "max_samples": 1000, "max_time": 1, "output_dir": tmp_path, "selection": "paper"}
    settings["selection.samples"] = 10**9
    with pytest.raises(UserError, match=r"has no checkpoint yet; .* try: a longer max_time$"):
        aevb.train(**settings, progress=False)


def test_hydra_is_the_callers_again(tmp_path, monkeypatch):
    import hydra
    from hydra._internal.config_loader_impl import ConfigLoaderImpl
    from hydra._internal.config_repository import ConfigRepository
    from hydra.core.global_hydra import GlobalHydra

    # A command that another test ran in this process has left its checks in Hydra.
    for owner, names in (
        (ConfigLoaderImpl, ("load_configuration", "_load_single_config", "_apply_overrides_to_config")),
        (ConfigRepository, ("initialize_sources", "load_config")),
    ):
        for name in names:
            own = inspect.unwrap(vars(owner)[name])
            is_static = isinstance(vars(owner)[name], staticmethod)
            monkeypatch.setattr(owner, name, staticmethod(own) if is_static else own)
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "mine.yaml").write_text("a: 1\n")
    before = ConfigLoaderImpl.load_configuration
    with hydra.initialize_config_dir(str(tmp_path / "conf"), version_base="1.3"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        own_hydra = GlobalHydra.instance().hydra
        aevb.train(**SMALL, output_dir=tmp_path, progress=False)
        assert GlobalHydra.instance().hydra is own_hydra
        assert hydra.compose("mine").a == 1
    assert ConfigLoaderImpl.load_configuration is before


def test_threads_train_one_after_another(tmp_path):
    before, filters = dict(os.environ), list(warnings.filters)
    settings = {**SMALL, "progress": False}
    with ThreadPoolExecutor(2) as pool:
        runs = list(pool.map(lambda seed: aevb.train(**settings, seed=seed, output_dir=tmp_path / "a"), (0, 1)))
    alone = aevb.train(**settings, seed=1, output_dir=tmp_path / "b")
    assert bits(runs[1].directory) == bits(alone.directory)
    assert dict(os.environ) == before
    assert warnings.filters == filters


def test_torch_state_is_given_back_after_an_error(tmp_path):
    torch.set_num_threads(1)
    with pytest.raises(UserError):
        aevb.train(**SMALL, **{"trainer.threads": 0}, output_dir=tmp_path)
    assert torch.get_num_threads() == 1
