"""Rules about how a run is trained: its name, its minibatches, devices, and when it ends."""

import math
import re
from collections.abc import Iterator

from aevb.config.duration import seconds_of
from aevb.config.messages import Fault
from aevb.config.resolved import Settings

__all__ = [
    "batch_fits_the_data",
    "batch_suits_the_objective",
    "closed_form_exists",
    "devices_need_a_mean",
    "devices_share_a_batch",
    "early_stopping_needs_the_bound",
    "max_time_is_a_time",
    "microbatches_need_a_mean",
    "name_is_a_folder",
    "no_validation",
    "optimizer_comes_with_weights",
    "schedule_stays_finite",
    "validation_needs_a_split",
]


LARGEST_LR = 1e38
"""What the single-precision weights of a model can still be multiplied by."""

CLOSED_FORM = {
    "objective": ("SGVB_A", "SGVB_B", "BetaVAE", "IWAE", "DReG", "WakeSleep"),
    "model.encoder": ("GaussianEncoder",),
    "model.decoder": ("BernoulliDecoder", "GaussianDecoder"),
    "model.prior": ("StandardNormal",),
}
"""Node -> aevb's classes whose gradients are implemented in closed form."""


def name_is_a_folder(settings: Settings) -> Iterator[Fault]:
    """Check that the name of a run can be the name of its directory.

    Args:
        settings: The config.

    Yields:
        The fault, if there is one.
    """
    name = settings.get("name")
    if name is not None and not re.fullmatch(r"[A-Za-z0-9][\w.+-]*", name, re.ASCII):
        safe = re.sub(r"[^\w.+-]+", "-", name, flags=re.ASCII).strip("-.") or "run"
        allowed = "letters, digits and . _ + -, a letter or digit first"
        yield Fault("name", "no name for a folder", name, allowed, f"name={safe}")


def batch_fits_the_data(settings: Settings) -> Iterator[Fault]:
    """Check that a minibatch has no more images than the training set.

    Args:
        settings: The config.

    Yields:
        The fault, if there is one.
    """
    batch_size, n_train = settings.get("batch_size"), settings.get("data.n_train")
    if isinstance(n_train, int) and batch_size > n_train:
        allowed = f"an integer >= 1 and <= data.n_train={n_train}"
        yield Fault(
            "batch_size", "more than there are training data", batch_size, allowed, f"batch_size={min(100, n_train)}"
        )


def batch_suits_the_objective(settings: Settings) -> Iterator[Fault]:
    """Check that a minibatch has as many images as the loss needs, also that of a wrapped objective.

    Args:
        settings: The config.

    Yields:
        The fault, if there is one.
    """
    batch_size, path = settings.get("batch_size"), "objective"
    while settings.target(path):
        least = settings.states(path, "min_batch_size")
        if isinstance(least, int) and batch_size < least:
            wrong = f"the loss of {settings.class_name(path)} compares the images of a minibatch"
            yield Fault("batch_size", wrong, batch_size, f"an integer >= {least}", "batch_size=100")
            return
        path += ".objective"


def closed_form_exists(settings: Settings) -> Iterator[Fault]:
    """Refuse the engine in closed form where aevb's own classes have no gradients in closed form.

    A class from elsewhere is left to the engine, which sees the object.

    Args:
        settings: The config.

    Yields:
        The fault, if there is one.
    """
    engine, objective = settings.get("trainer.engine"), settings.class_name("objective")
    if engine != "closed_form":
        return
    known = all(
        settings.class_name(node) in names or not settings.target(node).startswith("aevb.")
        for node, names in CLOSED_FORM.items()
    )
    activations = {settings.get(f"model.{network}.activation") for network in ("encoder", "decoder")}
    floor = settings.get("model.encoder.variance") is not None or settings.get("model.decoder.min_std")
    if not known or not activations <= {"tanh", None} or floor:
        allowed = (
            "SGVB A and B, beta-VAE, IWAE, DReG and wake-sleep, Gaussian encoder, Bernoulli or Gaussian decoder, tanh"
        )
        wrong = f"there is none for {objective} with this model"
        yield Fault("trainer.engine", wrong, engine, allowed, "trainer.engine=auto")


def devices_share_a_batch(settings: Settings) -> Iterator[Fault]:
    """Check that devices take equal shares of a minibatch.

    Args:
        settings: The config.

    Yields:
        The fault, if there is one.
    """
    batch_size, devices = settings.get("batch_size"), settings.get("trainer.devices")
    parts = settings.get("trainer.microbatches") or 1
    if not isinstance(devices, int):
        return
    shares = devices * parts
    if batch_size % shares:
        near = max(1, batch_size // shares) * shares
        times = f" * trainer.microbatches={parts}" if parts > 1 else ""
        allowed = f"a multiple of trainer.devices={devices}{times}"
        yield Fault("batch_size", "cannot be shared evenly", batch_size, allowed, f"batch_size={near}")


def devices_need_a_mean(settings: Settings) -> Iterator[Fault]:
    """Check that several devices train a loss that is a mean over data.

    The losses of the devices are averaged; only then is that the loss of the minibatch.

    Args:
        settings: The config.

    Yields:
        The fault, if there is one.
    """
    devices = settings.get("trainer.devices")
    if isinstance(devices, int) and devices > 1 and (objective := _no_mean(settings)):
        wrong = f"the loss of {objective} is no mean over data, so devices cannot share it"
        yield Fault("trainer.devices", wrong, devices, "1", "trainer.devices=1")


def microbatches_need_a_mean(settings: Settings) -> Iterator[Fault]:
    """Gradients of the shares of a minibatch are averaged, as those of devices are.

    Args:
        settings: The config of the run.

    Yields:
        The fault, if there is one.
    """
    parts = settings.get("trainer.microbatches")
    if isinstance(parts, int) and parts > 1 and (objective := _no_mean(settings)):
        wrong = f"the loss of {objective} is no mean over data, so it cannot be computed in shares"
        yield Fault("trainer.microbatches", wrong, parts, "1", "trainer.microbatches=1")


def _no_mean(settings: Settings) -> str:
    # What Objective.no_mean will say.
    name, keys = settings.class_name("objective"), settings.states("objective", "no_mean_with")
    if settings.states("objective", "mean_over_data") is False:
        return name
    reasons = [f"{name} with {key}={value:g}" for key in keys or () if (value := settings.get(f"objective.{key}"))]
    return next(iter(reasons), "")


def early_stopping_needs_the_bound(settings: Settings) -> Iterator[Fault]:
    """Early stopping watches what the evaluator `bound` computes on the validation split.

    Args:
        settings: The config of the run.

    Yields:
        The fault, if there is one.
    """
    if settings.get("early_stopping") and "bound" not in (settings.get("evaluator") or {}):
        wrong = "early stopping watches the validation bound, which the evaluator bound computes"
        yield Fault(
            "evaluator", wrong, allowed="evaluators with bound among them", remedy="'evaluator=[bound,importance]'"
        )


def validation_needs_a_split(settings: Settings) -> Iterator[Fault]:
    """Refuse what is computed on the validation split where the data have none.

    Args:
        settings: The config of the run.

    Yields:
        The fault, if there is one.
    """
    if settings.states("data", "validation") is False:
        yield from no_validation(settings, settings.class_name("data"))


def no_validation(settings: Settings, source: str) -> Iterator[Fault]:
    """What needs a validation split that the data lack.

    Args:
        settings: The config of the run.
        source: The data set or the file, as the message names it.

    Yields:
        The fault, if there is one.
    """
    wrong, allowed = f"{source} has no validation split", "data with one, such as mnist, or a file of yours with valid"
    if settings.get("early_stopping"):
        yield Fault("early_stopping", wrong, allowed=allowed, remedy="~early_stopping")
    elif (splits := settings.get("evaluation.splits")) in ("valid", "all"):
        yield Fault("evaluation.splits", wrong, splits, allowed, "evaluation.splits=test")


def max_time_is_a_time(settings: Settings) -> Iterator[Fault]:
    """Check that a time budget is a number of seconds or a clock.

    Args:
        settings: The config of the run.

    Yields:
        The fault, if there is one.
    """
    value = settings.get("max_time")
    if value is not None and seconds_of(value) is None:
        yield Fault("max_time", "no time", value, "seconds, or [DD:]HH:MM:SS", "max_time=00:10:00")


def optimizer_comes_with_weights(settings: Settings) -> Iterator[Fault]:
    """The hash of another run's weights and the state of its optimizer belong to that run's weights.

    Args:
        settings: The config of the run.

    Yields:
        The fault, if there is one.
    """
    if settings.get("init_optimizer") and settings.get("init_from") is None:
        yield Fault("init_optimizer", "there is no init_from", True, "false", "init_from=outputs/runs/NAME")
    if settings.get("init_sha256") is not None and settings.get("init_from") is None:
        value = settings.get("init_sha256")
        yield Fault("init_sha256", "there is no init_from", value, "null", "init_from=outputs/runs/NAME")


def schedule_stays_finite(settings: Settings) -> Iterator[Fault]:
    """Check that a learning rate that is multiplied by more than one again and again can be computed to the end.

    Args:
        settings: The config of the run.

    Yields:
        The fault, if there is one.
    """
    gamma, every, lr, end = map(settings.get, ("schedule.gamma", "schedule.every", "optimizer.lr", "max_samples"))
    numbers = all(isinstance(value, int | float) and value > 0 for value in (gamma, every, lr, end))
    if not numbers or settings.target("schedule") != "aevb.optimizers.schedules.Step":
        return
    changes = (end - 1) // every
    if changes and math.log(gamma) * changes + math.log(lr) > math.log(LARGEST_LR):
        most = math.exp((math.log(LARGEST_LR) - math.log(lr)) / changes)
        wrong = f"the learning rate would be above {LARGEST_LR:g} after {changes:,} changes"
        yield Fault("schedule.gamma", wrong, gamma, f"a number > 0, here below {most:.4g}", "schedule.gamma=0.5")
