"""Early stopping by hand-made sequences of validation bounds, and runs that stop, are resumed and evaluated."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

import aevb
from aevb import runs
from aevb.config import numbers_of
from aevb.errors import UserError
from aevb.evaluation.evaluate_run import evaluate_run
from aevb.runs.status import row
from aevb.training import train_run
from aevb.training.early_stopping import EarlyStopping
from helpers.commands import settings
from helpers.short_runs import outcome


def stops_after(bounds: list[float], **options) -> tuple[int | None, tuple[int, float] | None]:
    """The number of bounds after which training ends, and the best."""
    rule = EarlyStopping(**{"start": 0, **options})
    for t, bound in enumerate(bounds, start=1):
        rule.update(t, bound)
        if rule.has_ended:
            return t, rule.best
    return None, rule.best


def test_patience_counts_points_without_an_improvement():
    assert stops_after([-5, -4, -4, -4, -3], patience=2) == (4, (2, -4))
    assert stops_after([-5, -4, -4, -3, -4, -4, -4], patience=3) == (7, (4, -3))
    assert stops_after([-5, -4, -3], patience=1) == (None, (3, -3))


def test_small_rises_are_no_improvement_but_the_best_weights():
    slow = [-5.0, -4.9, -4.8, -4.7]
    assert stops_after(slow, patience=2, min_delta=0.5) == (3, (3, -4.8))
    assert stops_after(slow, patience=3, min_delta=0.25) == (None, (4, -4.7))


def test_points_before_the_start_do_not_count():
    assert stops_after([-1, -5, -4, -5, -5], patience=2, start=2) == (5, (3, -4))


def test_the_state_is_restored():
    one, other = EarlyStopping(2, start=0), EarlyStopping(2, start=0)
    for t, bound in enumerate([-5.0, -4.0, -4.5]):
        one.update(t, bound)
    other.load_state_dict(json.loads(json.dumps(one.state_dict())))
    assert not other.update(3, -4.2)
    assert (other.has_ended, other.best) == (True, (1, -4.0))


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> Path:
    """Few training images, which a model soon learns by heart."""
    x = (np.random.default_rng(0).random((160, 16)) < 0.4).astype(np.float32)
    path = tmp_path_factory.mktemp("images") / "x.npz"
    np.savez(path, train=x[:60], valid=x[60:110], test=x[110:])
    return path


def train(directory: Path, images: Path, *overrides: str) -> Path:
    fixed = (
        "data=array", f"data.path={images}", "data.shape=[4,4]", "latent_dim=2", "hidden_dim=40", "batch_size=20",
        "optimizer=adam", "optimizer.lr=0.02", "evaluator=bound", "logger=none", "early_stopping=validation",
        "early_stopping.start=0", "early_stopping.patience=3", "evaluation.every=400", "evaluation.start=400",
    )  # fmt: skip
    runs.prepare(directory, settings(*fixed, *overrides))
    train_run.run(directory)
    return directory


@pytest.fixture(scope="module")
def stopped(images, tmp_path_factory) -> Path:
    return train(tmp_path_factory.mktemp("runs") / "stopped", images, "max_samples=100000")


def test_a_run_stops_early_and_keeps_the_best_weights(stopped):
    done = runs.Run(stopped).done
    metrics = runs.Run(stopped).metrics()
    bounds = metrics["valid_bound"]
    assert done["stopped_early"]
    assert 3 < len(bounds) < 100
    assert done["best"]["valid_bound"] == bounds.max()
    assert done["best"]["samples_seen"] == metrics["samples_seen"][bounds.argmax()]
    assert len(bounds) - 1 - bounds.argmax() == 3
    assert runs.planned_action(stopped, {**runs.read_settings(stopped), "max_samples": 10**7}) == "done"
    assert row(stopped).state == "done"


def test_best_weights_are_those_of_a_run_that_ends_there(stopped, images, tmp_path):
    at = runs.Run(stopped).done["best"]["samples_seen"]
    short = train(tmp_path / "short", images, f"max_samples={at}")
    best, final = (torch.load(path, weights_only=True) for path in (stopped / "best.pt", short / "model.pt"))
    torch.testing.assert_close(best, final, rtol=0, atol=0)
    final_of_stopped = torch.load(stopped / "model.pt", weights_only=True)
    assert any(not torch.equal(best[name], final_of_stopped[name]) for name in best)


def test_a_resumed_run_stops_at_the_same_point_with_the_same_bits(stopped, images, tmp_path):
    seen = runs.Run(stopped).done["samples_seen"]
    part = train(tmp_path / "part", images, f"max_samples={seen - 700}")
    assert not runs.Run(part).done["stopped_early"]
    part = train(part, images, "max_samples=100000")
    assert outcome(part) == outcome(stopped)
    assert runs.Run(part).done["best"] == runs.Run(stopped).done["best"]
    (part / "DONE").unlink()  # killed before its last file
    assert outcome(train(part, images, "max_samples=100000")) == outcome(stopped)


def test_best_weights_are_loaded_and_evaluated(stopped, images):
    final, best = aevb.load(stopped), aevb.load(stopped, weights="best")
    x = final.test().x
    assert not np.array_equal(final.encode(x).mean, best.encode(x).mean)
    nodes = {"bound": {"_target_": "aevb.evaluators.bound.Bound"}}
    (path,) = evaluate_run(stopped, nodes, ["valid"], weights="best")
    assert path == stopped / "evaluation" / "best" / "bound-valid.json"
    written = json.loads(path.read_text())
    assert written["checkpoint"] == "best.pt"
    # At an evaluation point the noise of the run's seed was used, as here.
    assert written["mean"] == pytest.approx(runs.Run(stopped).done["best"]["valid_bound"], abs=1e-5)


def test_damaged_or_missing_best_weights_are_refused(stopped, tmp_path):
    copy = shutil.copytree(stopped, tmp_path / "copy")
    torch.save({name: value + 1 for name, value in torch.load(copy / "best.pt").items()}, copy / "best.pt")
    with pytest.raises(UserError, match=r"best\.pt: not the weights that this run ended with"):
        aevb.load(copy, weights="best")
    done = json.loads((copy / "DONE").read_text())
    del done["best"]
    (copy / "DONE").write_text(json.dumps(done))
    with pytest.raises(UserError, match=r"^weights=Best: no such choice; allowed: final, best; try: weights='final'$"):
        aevb.load(copy, weights="Best")
    with pytest.raises(UserError, match=r"weights=best: .* kept none"):
        aevb.load(copy, weights="best")


def test_data_without_a_validation_split_are_refused(tmp_path):
    # As a run directory that was written by hand may say; the command line is refused earlier.
    stopping = settings("data=mnist", "early_stopping=validation")["early_stopping"]
    runs.prepare(tmp_path / "run", settings("data=digits", "logger=none") | {"early_stopping": stopping})
    with pytest.raises(UserError, match="early_stopping: digits has no validation split; allowed: "):
        train_run.run(tmp_path / "run")


def test_evaluation_points_are_part_of_the_identity_only_here():
    plain = settings("data=digits")
    every = settings("data=digits", "evaluation.every=5000")
    from aevb.config import fingerprint

    assert fingerprint(plain) == fingerprint(every)
    early = [settings("data=mnist", "early_stopping=validation", f"evaluation.every={n}") for n in (5000, 6000)]
    assert fingerprint(early[0]) != fingerprint(early[1])


def test_evaluation_points_that_do_not_count_are_not_in_the_fingerprint():
    """The fingerprint is the one that runs with evaluation.start=1 have always had."""

    def run_of(*arguments):
        return numbers_of(settings("data=mnist", "early_stopping=validation", "early_stopping.start=5000", *arguments))

    first = run_of("evaluation.start=1")
    assert first["evaluation.start"] == 1
    assert run_of("evaluation.start=5000") == run_of("evaluation.start=200") == first
    assert run_of("evaluation.start=5001") == {**first, "evaluation.start": 5001}
