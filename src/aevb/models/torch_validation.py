"""torch checks the parameters of its distributions, and raises where an estimator goes on.

A trajectory of Hamiltonian Monte Carlo, or an outer cell of a quadrature, may reach z at which exp() in a decoder overflows or
underflows. There p(x|z) is 0, and the estimators reject such z. A parameter that is wrong for another reason, such as a negative
scale, is a mistake in the model.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

import torch
from torch import distributions as td
from torch.distributions import constraints

__all__ = ["with_extreme_parameters"]

_LOCK = Lock()
PARTS = ("base_dist", "mixture_distribution", "component_distribution", "_dirichlet", "_categorical")
"""Attributes in which a distribution of torch holds another one."""


def with_extreme_parameters(make: Callable[..., Any], *arguments: Any) -> tuple[Any, bool]:
    """Make a distribution whose parameters may be infinite, nan or 0 where torch allows finite or positive ones.

    Args:
        make: Returns the distribution; called once more if torch refuses its parameters.
        *arguments: Its arguments.

    Returns:
        What it returns, and whether a parameter is one that torch refuses.

    Raises:
        ValueError: torch refuses another parameter.
    """
    try:
        return make(*arguments), False
    except ValueError:
        with _unchecked():
            made = make(*arguments)
        if not isinstance(made, td.Distribution) or not _is_extreme(made):
            raise
        return made, True


@contextmanager
def _unchecked() -> Iterator[None]:
    with _LOCK:  # the setting is one for all threads
        before = td.Distribution._validate_args
        td.Distribution.set_default_validate_args(False)
        try:
            yield
        finally:
            td.Distribution.set_default_validate_args(before)


def _is_extreme(distribution: td.Distribution) -> bool:
    # Whether every parameter that torch refuses is infinite, nan or 0.
    for name, constraint in distribution.arg_constraints.items():
        if name not in vars(distribution) and isinstance(
            getattr(type(distribution), name, None), td.utils.lazy_property
        ):
            continue  # made from another parameter
        value = getattr(distribution, name)
        if constraints.is_dependent(constraint) or not isinstance(value, torch.Tensor):
            continue
        valid = constraint.check(value)
        valid = valid.reshape(*valid.shape, *[1] * (value.dim() - valid.dim()))
        if bool((~valid & value.isfinite() & (value != 0)).any()):
            return False
    parts = [getattr(distribution, part, None) for part in PARTS]
    return all(_is_extreme(part) for part in parts if isinstance(part, td.Distribution))
