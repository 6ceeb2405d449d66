"""The decoder of a user's own data, where the command line names no model."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from aevb.cli import hydra_policy
from aevb.cli.composition import PointComposer, hydra_session
from aevb.cli.data_check import forget_data, take_data
from aevb.cli.job import JobContext
from aevb.cli.run_plan import plan_run
from aevb.cli.sweep import PlannedRun, compose_master
from aevb.config import fingerprint

X = np.random.RandomState(0).standard_normal((200, 6))
GREY = (255 * np.abs(X) / np.abs(X).max()).astype(np.uint8)


@contextmanager
def planner() -> Iterator[PointComposer]:
    forget_data()
    with hydra_policy.installed(), hydra_session() as application:
        yield PointComposer(application.config_loader, compose_master(application, "train", []))  # type: ignore[arg-type]


def plan(*words: str) -> PlannedRun:
    """The plan of `aevb-train data=array WORDS`."""
    overrides = ["data=array", *words]
    with planner() as composer:
        cfg, choices = composer.compose(overrides)
        return plan_run(cfg, JobContext((), False, choices, "train", overrides=tuple(overrides)))


def saved(folder: Path, kind: str) -> Path:
    path = folder / f"x.{kind}"
    match kind:
        case "npz":
            np.savez(path, x=X)
        case "npy":
            np.save(path, X)
        case "csv":
            np.savetxt(path, X, delimiter=",")
        case "pt":
            torch = pytest.importorskip("torch")
            torch.save(torch.tensor(X), path)
    return path


@pytest.mark.parametrize("kind", ["npz", "npy", "csv", "pt"])
def test_real_numbers_of_each_format_get_unbounded_means(kind: str, tmp_path: Path) -> None:
    path = saved(tmp_path, kind)
    chosen = plan(f"data.path={path}")
    assert chosen.settings["model"]["_target_"] == "aevb.models.standardised.StandardisedVAE"
    assert chosen.settings["model"]["decoder"]["mean"] == "linear"
    assert chosen.settings["choices"]["model"] == "gaussian_linear"
    assert chosen.model_choice.startswith(f"model: gaussian_linear, for values from {X.min():.4g} to {X.max():.4g};")
    if kind == "npy":
        named = plan(f"data.path={path}", "model=gaussian_linear")
        assert named.model_choice == ""
        assert fingerprint(named.settings) == fingerprint(chosen.settings)
        assert named.directory == chosen.directory


@pytest.mark.parametrize("x", [GREY, GREY > 100, GREY / 255.0], ids=["grey", "bits", "unit interval"])
def test_values_in_the_unit_interval_get_bernoulli_pixels(x: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", x)
    chosen = plan(f"data.path={tmp_path / 'x.npy'}")
    assert chosen.settings["choices"]["model"] == "bernoulli"
    assert chosen.model_choice == "model: bernoulli, for values in [0, 1]; model=NAME chooses another one"
    named = plan(f"data.path={tmp_path / 'x.npy'}", "model=bernoulli")
    assert fingerprint(named.settings) == fingerprint(chosen.settings)


def test_other_choices_are_kept(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", X)
    path = f"data.path={tmp_path / 'x.npy'}"
    chosen = plan(path, "latent_dim=3", "model/encoder=laplace", "model.decoder.activation=relu", "optimizer=adam")
    assert chosen.settings["model"]["decoder"] == {
        "_target_": "aevb.models.gaussian.GaussianDecoder",
        "latent_dim": 3,
        "hidden_dim": 500,
        "activation": "relu",
        "mean": "linear",
        "min_std": 0.01,
    }
    assert chosen.settings["model"]["encoder"]["_target_"] == "aevb.models.families.FamilyEncoder"
    assert plan(path, "model=gaussian").settings["choices"]["model"] == "gaussian"
    assert plan(path, "objective=arm").settings["choices"]["model"] == "binary"
    assert plan(path, "pitfall=kl_sign").model_choice == ""


def test_grey_levels_as_floats_are_pointed_out(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", GREY.astype(np.float32))
    path = f"data.path={tmp_path / 'x.npy'}"
    assert plan(path).model_choice.endswith("grey levels from 0 to 255 need data.values=bytes")
    assert plan(path, "data.values=bytes").model_choice.startswith("model: bernoulli")


def test_the_data_are_read_once(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", X)
    chosen = plan(f"data.path={tmp_path / 'x.npy'}")
    (tmp_path / "x.npy").unlink()
    chosen.check_data()
    assert take_data(chosen.settings) is None  # kept for this process only where it trains


def test_what_cannot_be_read_is_left_to_the_checks(tmp_path: Path) -> None:
    lost = plan(f"data.path={tmp_path / 'lost.npy'}")
    assert lost.model_choice == ""
    assert lost.settings["choices"]["model"] == "bernoulli"
