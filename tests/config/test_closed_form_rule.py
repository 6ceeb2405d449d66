"""trainer.engine=closed_form is refused before a run starts where the engine would refuse it."""

import pytest

from aevb.config import ConfigError, validate
from aevb.config.resolved import Settings
from aevb.config.training_rules import CLOSED_FORM, closed_form_exists
from aevb.training.engines.select import CLOSED_FORMS
from helpers.commands import composed

ENGINE = "trainer.engine=closed_form"


def test_the_objectives_are_those_of_the_engines() -> None:
    assert {objective.__name__ for objective in CLOSED_FORMS} == set(CLOSED_FORM["objective"])


@pytest.mark.parametrize(
    "overrides",
    [
        ["model.encoder.activation=relu"],
        ["model.decoder.activation=relu"],
        ["model=gaussian", "+model.decoder.min_std=0.01"],
        ["+model.encoder.variance=0.1"],
        ["model=convolutional_bernoulli"],
        ["model=two_layer", "objective=iwae", "hidden_dim=[20,20]"],
        ["model/encoder=laplace"],
        ["objective=mcem", "latent_dim=3"],
    ],
)
def test_what_has_none_is_refused(overrides: list[str]) -> None:
    validate(composed("data=mnist", *overrides))
    with pytest.raises(
        ConfigError, match=r"trainer\.engine=closed_form: there is none for .* try: trainer\.engine=auto"
    ):
        validate(composed("data=mnist", ENGINE, *overrides))


@pytest.mark.parametrize(
    "overrides",
    [
        *([f"objective={name}"] for name in ("sgvb_a", "sgvb_b", "beta_vae", "iwae", "dreg", "wake_sleep")),
        ["model=gaussian", "hidden_dim=[5,6]"],
    ],
)
def test_what_has_one_is_not(overrides: list[str]) -> None:
    assert validate(composed("data=mnist", ENGINE, *overrides))


def test_a_class_from_elsewhere_is_left_to_the_engine() -> None:
    values = {"trainer": {"engine": "closed_form"}, "model": {"decoder": {"_target_": "mine.Decoder"}}}
    assert list(closed_form_exists(Settings(values))) == []
