"""The decoder of a user's own data, chosen from their values where the command line names no model.

Values in [0, 1] are what the default decoder, Bernoulli pixels, is for. For other numbers the config is composed again with
`model=gaussian_linear`, whose means have no bounds and which begins at the mean and variance of the training set. The run's
config has the chosen model, so the run is the same one as with that model on the command line.
"""

from contextlib import suppress
from typing import Any, NamedTuple

from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from aevb.cli.data_check import read_facts
from aevb.cli.job import JobContext
from aevb.config import validate
from aevb.config.resolved import Settings
from aevb.errors import UserError

__all__ = ["DecoderChoice", "choose_decoder"]

DEFAULT, UNBOUNDED = "bernoulli", "gaussian_linear"


class DecoderChoice(NamedTuple):
    """The settings of a run, with the decoder that fits its data.

    Attributes:
        settings: The validated config.
        choices: The option chosen in each group.
        description: The choice and its reason in one line; empty if the model was not chosen here.
    """

    settings: dict[str, Any]
    choices: dict[str, Any]
    description: str


def choose_decoder(settings: dict[str, Any], context: JobContext) -> DecoderChoice:
    """Choose the decoder of a run on a user's own files, if the user has not.

    Args:
        settings: The validated config of a run on such files.
        context: How the job was asked for.

    Returns:
        The settings with the chosen decoder. They are unchanged if a model or a pitfall was asked for, if the data cannot be
        read here (the checks of the data say why), or if the rest of the config does not go together with the decoder that
        fits.
    """
    unchanged = DecoderChoice(settings, context.choices, "")
    if not _is_open(settings, context):
        return unchanged
    try:
        facts = read_facts(settings, context.trusted, keep=not context.sweeping)
    except (UserError, OSError, MemoryError):
        return unchanged
    if facts.unit_interval:
        return unchanged._replace(description=f"model: {DEFAULT}, for values in [0, 1]; model=NAME chooses another one")
    with suppress(UserError, HydraException, OmegaConfBaseException):
        fitting = validate(context.compose_with("model", UNBOUNDED), context.trusted)
        line = (
            f"model: {UNBOUNDED}, for values from {facts.low:.4g} to {facts.high:.4g}; model=NAME chooses another one"
        )
        if facts.could_be_bytes(settings):
            line += "; grey levels from 0 to 255 need data.values=bytes"
        return DecoderChoice(fitting, {**context.choices, "model": UNBOUNDED}, line)
    return unchanged


def _is_open(settings: dict[str, Any], context: JobContext) -> bool:
    return (
        context.choices.get("model") == DEFAULT
        and not context.choices.get("pitfall")
        and not context.names_group("model")
        and Settings(settings, context.trusted).get("data.path") is not None
    )
