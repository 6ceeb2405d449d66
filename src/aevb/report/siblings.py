"""What follows from the config of a run alone. Runs that differ in the seed have it in common, and it is computed once for them."""

from typing import Any, NamedTuple

from aevb.config import numbers_of
from aevb.report.differing import flat_settings
from aevb.report.redaction import strings

__all__ = ["Config", "Siblings"]


class Config(NamedTuple):
    """A config with what follows from it.

    Attributes:
        settings: The config itself.
        flat: `flat_settings` of it.
        numbers: `numbers_of` it.
        texts: Its `strings`.
    """

    settings: dict[str, Any]
    flat: dict[str, str]
    numbers: dict[str, Any]
    texts: frozenset[str]


class Siblings:
    """The configs of many runs, by what they are without their seeds."""

    def __init__(self) -> None:
        self._known: dict[str, Config] = {}

    def config(self, settings: dict[str, Any]) -> Config:
        """Return a config that holds the nodes of an earlier one, if the two differ in the seed alone.

        Args:
            settings: The config of a run, as `aevb.runs.settings` returns it, or nothing. Nobody changes it.
        """
        if not settings:
            return _config(settings)
        seed, model = settings["seed"], settings["model"]
        in_model = ["seed"] if type(model.get("seed")) is int and model["seed"] == seed else []
        blank = dict.fromkeys(in_model, ...)  # the dots are in no config
        rest = {**settings, "seed": ..., "model": {**model, **blank}}
        known = self._known.get(text := repr(rest))
        if known is None:
            known = self._known[text] = _config(rest)
        seeds = dict.fromkeys(["seed", *(f"model.{name}" for name in in_model)], seed)
        return Config(
            {**known.settings, "seed": seed, "model": {**known.settings["model"], **dict.fromkeys(in_model, seed)}},
            {**known.flat, **dict.fromkeys(seeds, str(seed))},
            {**known.numbers, **seeds},
            known.texts,
        )


def _config(settings: dict[str, Any]) -> Config:
    return Config(settings, flat_settings(settings), numbers_of(settings), frozenset(strings(settings)))
