"""Arguments of a class of one's own are keys of its node, without a plus and in any order."""

from pathlib import Path

import pytest
from hydra.errors import ConfigCompositionException
from omegaconf import DictConfig

from aevb.cli import hydra_policy
from aevb.config import ConfigError, validate
from aevb.config.static_imports import forget_sources
from helpers.commands import composed

SOURCE = """
class Tilted:
    def __init__(self, temperature: float, samples: int = 1, weight_prior: float = 1.0) -> None: ...
"""


def composed_by_the_command(*overrides: str) -> DictConfig:
    with hydra_policy.installed():
        return composed(*overrides)


@pytest.fixture
def tilted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "tilted.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))
    forget_sources()  # another test may have a module of that name
    return "objective._target_=tilted.Tilted"


@pytest.mark.parametrize("order", [1, -1])
def test_a_key_of_a_class_of_ones_own_is_set_without_a_plus(order: int, tilted: str) -> None:
    typed = (tilted, "objective.temperature=0.5", "~objective.beta")[::order]
    settings = validate(composed_by_the_command(*typed), ("tilted",), overrides=typed)
    assert settings["objective"]["temperature"] == 0.5
    with pytest.raises(ConfigError, match=r"objective\._target_=tilted\.Tilted: not a target that a config may name"):
        validate(composed_by_the_command(*typed), overrides=typed)


def test_a_mistyped_key_is_answered_with_one_of_the_class(tilted: str) -> None:
    typed = (tilted, "objective.temperatures=0.5", "~objective.beta")
    meant = r"no such key; did you mean objective\.temperature\?; allowed: temperature, samples, weight_prior; try: "
    with pytest.raises(ConfigError, match=meant):
        validate(composed_by_the_command(*typed), ("tilted",), overrides=typed)


def test_a_class_of_aevb_that_is_chosen_later_counts() -> None:
    typed = (
        "objective.samples=5",
        "objective.dreams=clipped",
        "objective._target_=aevb.objectives.wake_sleep.WakeSleep",
    )
    assert composed_by_the_command(*typed).objective.dreams == "clipped"


def test_an_argument_with_the_name_of_one_that_the_program_gives() -> None:
    """The optimizer is given M, and has no default; the size of an evaluator's blocks is the user's."""
    assert composed_by_the_command("evaluator.bound.batch_size=100").evaluator.bound.batch_size == 100
    with pytest.raises(ConfigCompositionException, match=r"optimizer\.batch_size"):
        composed_by_the_command("optimizer.batch_size=100")
