"""Rules about values that are each valid and do not go together, and warnings about values that have no effect.

A rule is a function that yields faults; to add one, write it and add it to RULES. Rules read what the classes in a
config state about themselves from their source (aevb.config.signature.attribute), so torch is not imported.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from aevb.config.duration import seconds_of
from aevb.config.messages import Fault
from aevb.config.signature import attribute, computed_attributes
from aevb.config.tree import CONF, options, read_yaml

__all__ = ["RULES", "Settings", "objectives_for_discrete_latents", "warnings"]

STATED = {
    "objective": ("mean_over_data", "over_theta", "reparameterised", "capturable"),
    "model": ("objectives",),
    "model.encoder": ("discrete", "capturable"),
    "model.decoder": ("likelihood", "binary_targets", "side_multiple", "capturable"),
    "model.prior": ("capturable",),
}
"""Node -> the class attributes that are read from the source, each documented in the base class of the node.

A data set may compute its `unit_interval`, because the decoder is checked again when the data are loaded.
"""


@dataclass(frozen=True)
class Settings:
    """A resolved config of a run whose keys and values are each valid.

    Args:
        values: Plain containers.
        trusted: Users' modules that may be read.
    """

    values: dict[str, Any]
    trusted: tuple[str, ...] = ()

    def get(self, path: str) -> Any:
        """Return the value of a dotted key, or None if there is none.

        Args:
            path: The dotted key.
        """
        node: Any = self.values
        for key in path.split("."):
            node = node.get(key) if isinstance(node, dict) else None
        return node

    def target(self, path: str) -> str:
        """Return the `_target_` of a node, or "".

        Args:
            path: The dotted key of the node.
        """
        return str(self.get(f"{path}._target_") or "")

    def class_name(self, path: str) -> str:
        """Return the class of a node, without its module, or "".

        Args:
            path: The dotted key of the node.
        """
        return self.target(path).rpartition(".")[2]

    def states(self, path: str, name: str) -> Any:
        """Return a class attribute of the class of a node; None if it cannot be read.

        Args:
            path: The dotted key of the node.
            name: The name of the class attribute.
        """
        return attribute(self.target(path), name, self.trusted)


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
    if isinstance(devices, int) and devices > 1 and settings.states("objective", "mean_over_data") is False:
        wrong = f"the loss of {settings.class_name('objective')} is no mean over data, so devices cannot share it"
        yield Fault("trainer.devices", wrong, devices, "1", "trainer=default")


def microbatches_need_a_mean(settings: Settings) -> Iterator[Fault]:
    """Gradients of the shares of a minibatch are averaged, as those of devices are.

    Args:
        settings: The config of the run.
    """
    parts = settings.get("trainer.microbatches")
    if isinstance(parts, int) and parts > 1 and settings.states("objective", "mean_over_data") is False:
        wrong = (
            f"the loss of {settings.class_name('objective')} is no mean over data, so it cannot be computed in shares"
        )
        yield Fault("trainer.microbatches", wrong, parts, "1", "trainer.microbatches=1")


def early_stopping_needs_the_bound(settings: Settings) -> Iterator[Fault]:
    """Early stopping watches what the evaluator `bound` computes on the validation split.

    Args:
        settings: The config of the run.
    """
    if settings.get("early_stopping") and "bound" not in (settings.get("evaluator") or {}):
        wrong = "early stopping watches the validation bound, which the evaluator bound computes"
        yield Fault(
            "evaluator", wrong, allowed="evaluators with bound among them", remedy="evaluator=[bound,importance]"
        )


def max_time_is_a_time(settings: Settings) -> Iterator[Fault]:
    """A time budget is a number of seconds or a clock.

    Args:
        settings: The config of the run.
    """
    value = settings.get("max_time")
    if value is not None and seconds_of(value) is None:
        yield Fault("max_time", "no time", value, "seconds, or [DD:]HH:MM:SS", "max_time=00:10:00")


def optimizer_comes_with_weights(settings: Settings) -> Iterator[Fault]:
    """The state of another run's optimiser belongs to that run's weights.

    Args:
        settings: The config of the run.
    """
    if settings.get("init_optimizer") and settings.get("init_from") is None:
        yield Fault("init_optimizer", "there is no init_from", True, "false", "init_from=outputs/runs/NAME")


def leave_one_out_needs_samples(settings: Settings) -> Iterator[Fault]:
    """Check that a leave-one-out baseline has other samples of a datapoint to average.

    Args:
        settings: The config.

    Yields:
        The fault, if there is one.
    """
    if settings.get("objective.baseline") == "leave_one_out" and settings.get("objective.samples") == 1:
        wrong = "leave_one_out needs other samples of the datapoint"
        yield Fault("objective.samples", wrong, 1, "an integer >= 2", "objective.samples=5")


def theta_has_a_posterior(settings: Settings) -> Iterator[Fault]:
    """Check that the model has a q(theta) if and only if the objective trains one.

    Args:
        settings: The config.

    Yields:
        The fault, if there is one.
    """
    log_var, over_theta = settings.get("model.theta_log_var"), settings.states("objective", "over_theta")
    name = settings.class_name("objective")
    if over_theta is True and log_var is None:
        yield Fault("model.theta_log_var", f"{name} needs a q(theta)", log_var, "a number", "model.theta_log_var=-6")
    if over_theta is False and log_var is not None:
        yield Fault("model.theta_log_var", f"{name} trains no q(theta)", log_var, "null", "objective=full_vb")


def discrete_latents_have_no_derivative(settings: Settings) -> Iterator[Fault]:
    """Check that a reparameterised gradient has draws of q(z|x) with a derivative.

    Args:
        settings: The config.

    Yields:
        The fault, if there is one.
    """
    if settings.states("objective", "reparameterised") and settings.states("model.encoder", "discrete"):
        objective, encoder = settings.class_name("objective"), settings.class_name("model.encoder")
        wrong = f"{objective} needs draws with a derivative, and those of {encoder} have none"
        allowed = ", ".join(objectives_for_discrete_latents())
        yield Fault("objective", wrong, objective, allowed, "objective=vimco")


def targets_lie_in_the_unit_interval(settings: Settings) -> Iterator[Fault]:
    """Check that the targets of a Bernoulli likelihood lie in [0, 1].

    Args:
        settings: The config.

    Yields:
        The fault, if there is one.
    """
    if (
        settings.states("model.decoder", "likelihood") == "bernoulli"
        and settings.states("data", "unit_interval") is False
    ):
        wrong = f"needs targets in [0, 1], and those of {settings.class_name('data')} go beyond"
        yield Fault("model.decoder", wrong, settings.class_name("model.decoder"), "", "model=gaussian_linear")


def targets_are_binary(settings: Settings) -> Iterator[Fault]:
    """Check that a decoder for binary images has binary targets.

    Args:
        settings: The config.

    Yields:
        The fault, if there is one.
    """
    targets = settings.get("data.targets")
    if settings.states("model.decoder", "binary_targets") and targets == "grey":
        wrong = f"{settings.class_name('model.decoder')} is a probability of binary images, not of grey ones"
        yield Fault("data.targets", wrong, targets, "dynamic, threshold", "data.targets=dynamic")


def own_data_have_a_path(settings: Settings) -> Iterator[Fault]:
    """Refuse data of a user's own without a file.

    Args:
        settings: The config.

    Yields:
        The fault, if there is one.
    """
    if settings.class_name("data") == "ArrayDataset" and settings.get("data.path") is None:
        yield Fault(
            "data.path",
            "data=array needs a file",
            None,
            "a .npz, .npy, .csv, .tsv or .pt file, or a folder of images",
            "data.path=FILE.npz",
        )


def sides_suit_the_strides(settings: Settings) -> Iterator[Fault]:
    """Refuse images whose sides a convolutional model cannot halve as often as it does.

    Args:
        settings: The config.

    Yields:
        The fault, if there is one.
    """
    multiple, sides = settings.states("model.decoder", "side_multiple"), _sides(settings)
    if isinstance(multiple, int) and sides is not None and any(side % multiple for side in sides):
        wrong = f"images of {sides[0]} x {sides[1]} pixels"
        allowed = f"rows and columns that are multiples of {multiple}"
        yield Fault("model.decoder", wrong, settings.class_name("model.decoder"), allowed, "model=bernoulli")


def _sides(settings: Settings) -> list[int] | None:
    # (rows, columns) of an image, where the config or the source of the data set says so.
    side = settings.get("data.side")
    for sides in (
        settings.states("data", "shape"),
        settings.get("data.shape"),
        [settings.get("data.rows"), settings.get("data.columns")],
        [side, side],
    ):
        if isinstance(sides, list | tuple) and len(sides) == 2 and all(type(value) is int for value in sides):
            return list(sides)
    return None


def model_allows_the_objective(settings: Settings) -> Iterator[Fault]:
    """Some models state by which objectives they can be trained.

    Args:
        settings: The config of the run.
    """
    objectives = settings.states("model", "objectives")
    name = settings.class_name("objective")
    if isinstance(objectives, tuple) and name.lower() not in objectives:
        wrong = f"{settings.class_name('model')} cannot be trained by it"
        yield Fault("objective", wrong, name, ", ".join(objectives), f"objective={objectives[-1]}")


def flags_are_literals(settings: Settings) -> Iterator[Fault]:
    """Check that the flags of an objective are literals in its class body.

    They are read from the source, so a computed flag would be overlooked.

    Args:
        settings: The config.

    Yields:
        The fault, if there is one.
    """
    for path, names in STATED.items():
        target = settings.target(path)
        if target.startswith("aevb."):
            continue
        for name in computed_attributes(target, names, settings.trusted):
            wrong = f"{name} is computed, and it is read from the source without running it"
            example = '"bernoulli"' if name == "likelihood" else "False"
            yield Fault(f"{path}._target_", wrong, target, f"a literal in the class body, `{name} = {example}`")


RULES: tuple[Callable[[Settings], Iterator[Fault]], ...] = (
    name_is_a_folder,
    batch_fits_the_data,
    devices_share_a_batch,
    devices_need_a_mean,
    microbatches_need_a_mean,
    early_stopping_needs_the_bound,
    max_time_is_a_time,
    optimizer_comes_with_weights,
    leave_one_out_needs_samples,
    theta_has_a_posterior,
    discrete_latents_have_no_derivative,
    targets_lie_in_the_unit_interval,
    targets_are_binary,
    own_data_have_a_path,
    sides_suit_the_strides,
    model_allows_the_objective,
    flags_are_literals,
)


@cache
def objectives_for_discrete_latents() -> tuple[str, ...]:
    """Return the options of the group `objective` that train a binary z as they stand.

    They need no reparameterised draws, neither themselves nor through an objective that they wrap, and keep the
    encoder of the model.
    """
    return tuple(name for name in options("objective") if _suits_discrete_latents(name))


def _suits_discrete_latents(option: str) -> bool:
    config = read_yaml(CONF / "objective" / f"{option}.yaml")
    node = config.get("objective", config)
    defaults = [entry for entry in config.get("defaults", []) if isinstance(entry, dict)]
    wrapped = [name for entry in defaults for key, name in entry.items() if key.startswith("/objective@")]
    if attribute(node["_target_"], "reparameterised") or "encoder" in config.get("model", {}):
        return False
    return all(_suits_discrete_latents(name) for name in wrapped)


def warnings(settings: dict[str, Any]) -> list[str]:
    """Return one line for each setting that is allowed and makes the run pointless.

    Args:
        settings: What `aevb.config.validate` returned.
    """
    optimizer, samples, batch_size = settings["optimizer"], settings["max_samples"], settings["batch_size"]
    warmup = optimizer.get("warmup")
    if not isinstance(warmup, int) or samples > warmup * batch_size:
        return []
    return [
        f"max_samples={samples}: within the optimizer's warm-up of {warmup} minibatches of {batch_size}, in which no weight "
        f"changes; try: max_samples={20 * warmup * batch_size}, or optimizer=adam"
    ]
