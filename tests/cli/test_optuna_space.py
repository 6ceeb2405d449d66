"""The search space: Hydra's syntax of sweeps as Optuna's distributions."""

from typing import Any

import pytest

from aevb.cli.composition import hydra_session
from aevb.cli.optuna_space import Space, parse_space
from aevb.errors import UserError

optuna = pytest.importorskip("optuna")
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution  # noqa: E402


def parsed(*typed: str, params: dict[str, Any] | None = None) -> Space:
    with hydra_session() as application:
        return parse_space(application.config_loader, params or {}, typed)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("choice(2,5,10)", CategoricalDistribution([2, 5, 10])),
        ("2,5,10", CategoricalDistribution([2, 5, 10])),
        ("choice(adam,adagrad)", CategoricalDistribution(["adam", "adagrad"])),
        ("true,null,0.5", CategoricalDistribution([True, None, 0.5])),
        ("range(1,9,2)", IntDistribution(1, 7, step=2)),  # Hydra leaves out the end
        ("range(3)", IntDistribution(0, 2)),
        ("range(0,1,0.25)", CategoricalDistribution([0.0, 0.25, 0.5, 0.75])),
        ("int(interval(1,9))", IntDistribution(1, 9)),
        ("interval(1,9)", FloatDistribution(1.0, 9.0)),
        ("interval(0.1,0.9)", FloatDistribution(0.1, 0.9)),
        ("tag(log,interval(1e-4,1e-1))", FloatDistribution(1e-4, 1e-1, log=True)),
        ("tag(log, int(interval(1, 1000)))", IntDistribution(1, 1000, log=True)),
    ],
)
def test_syntax_of_sweeps_becomes_distributions(value: str, expected: Any) -> None:
    assert parsed(f"key={value}").distributions == {"key": expected}


def test_command_line_wins_over_yaml() -> None:
    yaml = {"latent_dim": "choice(2,5)", "optimizer.lr": "interval(0.1,0.2)", "seed": 3}
    space = parsed("data=digits", "latent_dim=7", params=yaml)
    assert space.distributions == {"optimizer.lr": FloatDistribution(0.1, 0.2)}
    assert sorted(space.fixed) == ["data=digits", "latent_dim=7", "seed=3"]


def test_edges_hold_every_category_and_both_ends() -> None:
    *edges, interior = parsed("a=choice(x,y,z)", "b=interval(0.5,2.5)").edges()
    assert edges == [
        {"a": "x", "b": 0.5}, {"a": "y", "b": 0.5}, {"a": "z", "b": 0.5}, {"a": "x", "b": 2.5},
    ]  # fmt: skip
    assert interior["a"] == "x"
    assert 0.5 < interior["b"] < 2.5
    assert not interior["b"].is_integer()
    assert parsed("n=int(interval(1,9))").edges() == [{"n": 1}, {"n": 9}]


def test_overrides_are_read_back_by_hydra() -> None:
    space = parsed("a=null,true,'x y'")
    texts = [space.overrides({"a": value})[0] for value in space.distributions["a"].choices]  # type: ignore[attr-defined]
    assert texts == ["a=null", "a=true", "a='x y'"]


@pytest.mark.parametrize(
    "value", ["tag(log,interval(0,1))", "interval(2,1)", "interval(1,1)", "range(5,1)", "tag(log,interval(-1,1))"]
)
def test_impossible_values_are_refused(value: str) -> None:
    with pytest.raises(UserError, match=r"^key=.*allowed: choice"):
        parsed(f"key={value}")


def test_a_space_without_a_choice_is_refused() -> None:
    with pytest.raises(UserError, match="nothing to search"):
        parsed("data=digits")
