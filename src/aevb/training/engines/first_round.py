"""The updates of an objective in its first round are checked, since users write objectives of their own.

A wrong one would fail in torch or in the training loop, with an error that does not name the objective.
"""

from collections.abc import Iterable, Iterator, Mapping
from numbers import Integral

from torch import Tensor, nn

from aevb.errors import UserError
from aevb.objectives.objective import Objective, Update

__all__ = ["checked"]


def checked(updates: object, objective: Objective, groups: Mapping[str, list[nn.Parameter]]) -> Iterator[Update]:
    """Yield the updates of one round, each after it has been checked.

    Args:
        updates: What the objective returned.
        objective: The objective, for the message.
        groups: Parameters by the names in `Update.parameter_groups`.

    Yields:
        The updates.

    Raises:
        UserError: They are no updates, or one has no scalar loss with a gradient, or names a group that is not trained.
    """
    if isinstance(updates, Tensor | Update) or not isinstance(updates, Iterable):
        raise _wrong(objective, f"returned {_shown(updates)}", groups)
    count = samples = 0
    for update in updates:
        if (fault := _fault(update, groups)) is not None:
            raise _wrong(objective, f"yielded {fault}", groups)
        count, samples = count + 1, samples + update.samples
        yield update
    if not count:
        raise _wrong(objective, "yielded nothing", groups)
    if samples < 1:  # training would never end
        raise _wrong(objective, f"yielded samples={samples} in a round", groups)


def _wrong(objective: Objective, what: str, groups: Mapping[str, list[nn.Parameter]]) -> UserError:
    trained = " and ".join(name for name in groups if groups[name])
    return UserError(
        f"{type(objective).__name__}: {what}; allowed: yield Update(loss, parameter_groups, samples, stats) with a scalar "
        f"loss that has a gradient, groups among {trained}, an integer and scalar tensors by name; "
        "try: docs/tutorials/write-an-objective.md"
    )


def _fault(update: object, groups: Mapping[str, list[nn.Parameter]]) -> str | None:
    if not isinstance(update, Update):
        return _shown(update)
    loss, names, samples, stats = update
    if not isinstance(loss, Tensor) or loss.dim():
        return f"an Update whose loss is {_shown(loss)}"
    if not loss.requires_grad:
        return "an Update whose loss has no gradient"
    if not isinstance(names, tuple | list) or not all(isinstance(name, str) for name in names):
        return f"an Update whose parameter_groups are {_shown(names)}"
    if not names or not all(groups.get(name) for name in names):
        return f"an Update with parameter_groups={names}"
    if not isinstance(samples, Integral):
        return f"an Update whose samples are {_shown(samples)}"
    if not isinstance(stats, Mapping):
        return f"an Update whose stats are {_shown(stats)}"
    bound = stats.get("bound", loss)
    return None if isinstance(bound, Tensor) and not bound.dim() else f"an Update whose bound is {_shown(bound)}"


def _shown(value: object) -> str:
    kind = type(value).__name__
    article = "an" if kind[0] in "AEIOUaeiou" else "a"
    return f"{article} {kind} of shape {tuple(value.shape)}" if isinstance(value, Tensor) else f"{article} {kind}"
