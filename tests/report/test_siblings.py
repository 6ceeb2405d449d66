"""What runs that differ in the seed share, and that it is what each of them would give alone."""

from typing import Any

import pytest

from aevb.config import numbers_of
from aevb.report.differing import flat_settings
from aevb.report.siblings import Siblings


def _settings(seed: int, model: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": None,
        "seed": seed,
        "model": {"_target_": "aevb.models.vae.VAE", "encoder": {"hidden_dim": 500}, **model},
        "optimizer": {"lr": 0.01, "betas": [0.9, 0.999]},
        "output_dir": "outputs/runs",
    }


@pytest.mark.parametrize(
    "model", [{}, {"seed": 0}, {"seed": 7}, {"seed": 1}, {"seed": 1.0}, {"seed": True}, {"seed": None}, {"seed": "..."}]
)
def test_a_config_gives_what_it_would_give_alone(model: dict[str, Any]) -> None:
    siblings = Siblings()
    siblings.config(_settings(0, {"seed": 0}))
    siblings.config(_settings(7, {"seed": 7}))
    for seed in (0, 1, 7):
        settings = _settings(seed, model)
        config = siblings.config(settings)
        alone = settings, flat_settings(settings), numbers_of(settings)
        assert repr(config[:3]) == repr(alone)  # with the order of the keys, and 1, 1.0 and True apart
        assert {"output_dir", "outputs/runs", "hidden_dim"} <= config.texts


def test_runs_that_differ_in_the_seed_alone_share_their_nodes() -> None:
    siblings = Siblings()
    one, other = siblings.config(_settings(0, {"seed": 0})), siblings.config(_settings(1, {"seed": 1}))
    assert one.settings["optimizer"] is other.settings["optimizer"]
    assert one.settings["model"]["encoder"] is other.settings["model"]["encoder"]
    assert one.texts is other.texts
    faster = siblings.config({**_settings(2, {"seed": 2}), "optimizer": {"lr": 0.02}})
    assert faster.flat["optimizer.lr"] == "0.02"
    assert one.flat["optimizer.lr"] == "0.01"


def test_no_config_has_nothing() -> None:
    config = Siblings().config({})
    assert (config.settings, config.flat, config.texts) == ({}, {}, frozenset())
