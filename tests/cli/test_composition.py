"""A point of a sweep, which shares the merged files of other points, has the config that Hydra composes for it alone."""

import hydra
import pytest
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from aevb.cli.composition import HYDRA_BASE
from aevb.config import CONF
from helpers.commands import composed

POINTS = [
    ["seed=3", "optimizer.lr=0.1"],
    ["data=digits", "model=gaussian", "latent_dim=5", "hidden_dim=[20,12]"],
    ["model/encoder=beta", "model.decoder.activation=relu"],
    ["++data.n_train=50", "++data.targets=dynamic"],
    ["~data.targets", "+evaluator.bound.batch_size=7"],
    ["evaluator=[bound,ais]", "logger=none"],
    ["pitfall=kl_sign", "data=digits", "evaluation={every:1000}"],
]
REFUSED = [["no_such_key=1"], ["data=no_such_option"], ["~data.no_such_key"], ["+data.n_train=50"]]


def alone(overrides: list[str]) -> object:
    with hydra.initialize_config_dir(str(CONF), **HYDRA_BASE):
        return hydra.compose("train", overrides)


@pytest.mark.parametrize("overrides", POINTS, ids=" ".join)
def test_a_point_is_composed_as_alone(overrides: list[str]) -> None:
    expected = alone(overrides)
    for _ in range(2):  # the second from what the first has left
        point = composed(*overrides)
        assert point == expected
        assert str(point) == str(expected)  # the same order


def test_what_is_refused_alone_is_refused() -> None:
    for overrides in REFUSED:
        with pytest.raises((HydraException, OmegaConfBaseException)) as expected:
            alone(overrides)
        with pytest.raises(type(expected.value)) as error:
            composed(*overrides)
        assert str(error.value) == str(expected.value)
