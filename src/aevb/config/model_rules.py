"""Rules about which objectives, models and data go together."""

from collections.abc import Iterator

from aevb.config.families import CORRELATED
from aevb.config.messages import Fault
from aevb.config.objective_options import objectives_for_discrete_latents
from aevb.config.resolved import Settings

__all__ = [
    "discrete_latents_have_no_derivative",
    "lagging_has_normal_latents",
    "leave_one_out_needs_samples",
    "mean_has_a_derivative",
    "model_allows_the_objective",
    "own_data_have_a_path",
    "sides_suit_the_strides",
    "targets_are_binary",
    "targets_lie_in_the_unit_interval",
    "theta_has_a_posterior",
]


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
    if settings.conditional:
        return  # has none, and label_rules says so
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
    node = settings.get("objective") or {}
    if settings.states_anywhere(node, "reparameterised") and settings.states("model.encoder", "discrete"):
        objective, encoder = settings.class_name("objective"), settings.class_name("model.encoder")
        wrong = f"{objective} needs draws with a derivative, and those of {encoder} have none"
        allowed = ", ".join(objectives_for_discrete_latents())
        yield Fault("objective", wrong, settings.option_name("objective"), allowed, "objective=vimco")


def mean_has_a_derivative(settings: Settings) -> Iterator[Fault]:
    """Check that an objective which is trained through the mean of p(x|z) has a decoder whose mean has a derivative.

    Args:
        settings: The config.

    Yields:
        The fault, if there is one.
    """
    differentiable = settings.states("model.decoder", "differentiable_mean")
    if settings.states("objective", "differentiates_mean") and differentiable is False:
        decoder = settings.class_name("model.decoder")
        wrong = f"{settings.class_name('objective')} is trained through the mean of p(x|z), and that of {decoder} has no derivative"
        yield Fault("model.decoder", wrong, decoder, "a decoder whose mean has a derivative", "model=bernoulli")


def lagging_has_normal_latents(settings: Settings) -> Iterator[Fault]:
    """Refuse objective=lagging for other q(z|x) and p(z) than a diagonal normal, for which its mutual information has no formula.

    Args:
        settings: The config.

    Yields:
        The fault, if there is one.
    """
    if settings.class_name("objective") == "Lagging":
        for path, density in (("model.encoder", "q(z|x)"), ("model.prior", "p(z)")):
            if (family := settings.get(f"{path}.family")) is not None:
                wrong = f"objective=lagging watches I(x; z), which has a formula for a normal {density} only"
                yield Fault(
                    f"{path}.family", wrong, family, "a normal distribution", "model=bernoulli, or objective=sgvb_a"
                )
                return
        if (family := settings.constant("model.encoder", "family")) in CORRELATED:
            wrong = "objective=lagging watches I(x; z), which has a formula for a diagonal normal q(z|x) only"
            yield Fault("model/encoder", wrong, family, "gaussian", "model/encoder=gaussian, or objective=sgvb_a")


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
        if isinstance(sides, list | tuple) and len(sides) in (2, 3) and all(type(value) is int for value in sides):
            return list(sides[:2])
    return None


def model_allows_the_objective(settings: Settings) -> Iterator[Fault]:
    """Some models state by which objectives they can be trained.

    Args:
        settings: The config of the run.

    Yields:
        The fault, if there is one.
    """
    objectives = settings.states("model", "objectives")
    name = settings.option_name("objective")
    if isinstance(objectives, tuple) and name not in objectives:
        wrong = f"{settings.class_name('model')} cannot be trained by it"
        yield Fault("objective", wrong, name, ", ".join(objectives), f"objective={objectives[-1]}")
