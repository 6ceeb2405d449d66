"""Evaluations that are killed go on to the same digits, and those that are finished are not done again."""

import json
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from aevb.errors import UserError
from aevb.evaluation.evaluate_run import evaluate_run
from aevb.evaluators.blocks import run_over
from aevb.evaluators.evaluator import Evaluator
from aevb.evaluators.importance import Importance
from aevb.evaluators.partial import Partial, read_values, write_values
from helpers.commands import aevb, errors, started
from helpers.oracles import data, linear_gaussian


class Stops(Importance):
    """Dies in its block number `at`."""

    def __init__(self, at: int) -> None:
        super().__init__(samples=320, batch_size=40)
        self.left = at

    def values(self, model, x, noise):
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        return super().values(model, x, noise)


def evaluate(evaluator: Evaluator, path: Path, identity: str = "a"):
    return run_over(evaluator, linear_gaussian(), data(7), 3, partial=Partial(path, identity, every=0))


@pytest.mark.parametrize("at", [0, 1, 3])
def test_a_resumed_evaluation_has_the_same_digits(at, tmp_path):
    path = tmp_path / "evaluation" / "x.npz"
    with pytest.raises(KeyboardInterrupt):
        evaluate(Stops(at), path)
    rest = Stops(4 - at)
    resumed = evaluate(rest, path)
    assert rest.left == 0  # blocks that were done are not done again
    whole = run_over(Importance(samples=320, batch_size=40), linear_gaussian(), data(7), 3)
    for name, value in whole.values.items():
        assert torch.equal(resumed.values[name], value)


def test_another_evaluation_or_a_damaged_file_begins_again(tmp_path):
    path = tmp_path / "x.npz"
    with pytest.raises(KeyboardInterrupt):
        evaluate(Stops(2), path)
    again = Stops(4)
    evaluate(again, path, "b")
    assert again.left == 0
    for damage in (b"", path.read_bytes()[:100], b"nonsense"):
        path.write_bytes(damage)
        assert Partial(path, "b").load(7) == ({}, 0)


def test_seconds_add_up_and_writes_keep_their_distance(tmp_path):
    path = tmp_path / "x.npz"
    first = Partial(path, "a", every=0)
    time.sleep(0.05)
    first.save({"v": torch.ones(3, dtype=torch.float64)}, 2)
    second = Partial(path, "a", every=1000)
    values, done = second.load(3)
    assert (values["v"].tolist(), done) == ([1, 1, 0], 2)
    assert second.seconds[0] >= 0.05
    before = path.stat().st_mtime_ns
    second.save(values, 3)
    assert path.stat().st_mtime_ns == before
    second.discard()
    assert not path.exists()


def test_the_same_values_are_the_same_bytes(tmp_path):
    values = {"v": torch.arange(5, dtype=torch.float64)}
    write_values(tmp_path / "a.npz", values)
    time.sleep(0.01)
    write_values(tmp_path / "b.npz", values)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    assert read_values(tmp_path / "none.npz") is None


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("resume")
    words = ["data=digits", "latent_dim=2", "hidden_dim=20", "max_samples=2000", "evaluator=bound", "name=r"]
    done = aevb("train", *words, folder=folder)
    assert done.returncode == 0, done.stderr
    return folder


ARGUMENTS = [
    "run=outputs/runs/r",
    "num_images=60",
    "evaluator=[bound,ais]",
    "evaluator.ais.temperatures=40",
    "evaluator.ais.batch_size=8",
]


def test_kill_minus_nine_loses_seconds_and_no_digit(folder):
    """The real command, killed when it has kept something; the same command goes on; a third time nothing is left to do."""
    results = folder / "outputs" / "runs" / "r" / "evaluation"
    final = results / "ais-test-t40-c8-l2-first60.npz"
    process = started("evaluate", *ARGUMENTS, folder=folder)
    deadline = time.monotonic() + 120
    while not list(results.glob(".ais*.npz")):
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    (kept,) = results.glob(".ais*.npz")
    part = np.load(kept)
    assert 0 < int(part["done"]) < 60
    assert not final.exists()

    assert aevb("evaluate", *ARGUMENTS, folder=folder).returncode == 0
    assert not list(results.glob(".*"))
    values = np.load(final)
    assert np.array_equal(values["log_px"][: int(part["done"])], part["log_px"])
    facts = json.loads(final.with_suffix(".json").read_text())
    assert facts["seconds"] > part["seconds"][0]
    assert facts["direction"] == "lower bound"

    stamp = final.stat().st_mtime_ns
    assert aevb("evaluate", *ARGUMENTS, folder=folder).returncode == 0
    assert final.stat().st_mtime_ns == stamp  # finished evaluations stay
    events = EventAccumulator(str(folder / "outputs" / "runs" / "r" / "tb" / "evaluation")).Reload()
    (shown,) = events.Scalars("evaluation/ais-test-t40-c8-l2-first60/log_px")
    assert (shown.step, shown.value) == (2000, pytest.approx(facts["mean"], rel=1e-5))


def node(name: str, **arguments: object) -> dict[str, object]:
    return {name.lower(): {"_target_": f"aevb.evaluators.{name.lower()}.{name}", **arguments}}


def test_another_seed_is_another_evaluation(folder, capsys):
    run = folder / "outputs" / "runs" / "r"
    means = []
    for seed in (0, 1, 1):
        (path,) = evaluate_run(run, node("Bound"), ["test"], num_images=5, seed=seed)
        means.append(json.loads(path.read_text())["mean"])
    assert means[0] != means[1] == means[2]


def test_an_evaluator_that_does_not_suit_is_refused_before_anything_is_done(folder, tmp_path):
    run = folder / "outputs" / "runs" / "r"
    with pytest.raises(UserError, match=r"evaluator=enumeration: DiagonalNormal prior over latent_dim=2"):
        evaluate_run(run, node("Importance", samples=3) | node("Enumeration"), ["test"], num_images=7)
    assert not list(run.glob("evaluation/importance*first7*"))
    words = ["data=digits", "latent_dim=4", "max_samples=100", "evaluator=quadrature", "logger=none"]
    result = aevb("train", *words, folder=tmp_path)
    assert result.returncode == 2
    (line,) = errors(result).splitlines()
    assert line.startswith("aevb-train: evaluator=quadrature: latent_dim=4 of this model is above 3")
    assert not (tmp_path / "outputs").exists()
