"""What is said and refused about the data of a run before torch is imported.

The data are read before anything is written, so that a fault of the data leaves nothing behind. A run that is trained in this
process takes what was read; other processes read the data again.
"""

import json
import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aevb.config.instantiate import instantiate
from aevb.config.resolved import Settings
from aevb.config.training_rules import no_validation
from aevb.errors import UserError
from aevb.execution.worker_command import thread_variables
from aevb.runs.data_record import check_same_data

if TYPE_CHECKING:
    from aevb.data.dataset import LoadedData  # imports numpy

__all__ = [
    "DataFacts",
    "NoValidationSplit",
    "check_arguments",
    "check_data",
    "forget_data",
    "is_own_data",
    "read_facts",
    "take_data",
]

LARGEST = 1e19
"""Magnitude of a value at most: a Gaussian density squares it in float32."""
NARROWEST = 1e-17
"""Range of a column of standardised data at least, unless it is constant: its density divides by the square in float32."""

SIGMOID_MEANS = ("GaussianDecoder", "ConditionalGaussianDecoder", "ConvolutionalGaussianDecoder")
"""Decoders whose means lie in (0, 1) where the config does not say otherwise."""

_facts: dict[tuple[str, bool, tuple[str, ...]], "DataFacts"] = {}  # the jobs of a sweep share it
_kept: dict[str, "LoadedData"] = {}


class NoValidationSplit(UserError):
    """The data have no validation split, and the config needs one."""


@dataclass(frozen=True)
class DataFacts:
    """What the checks and the first lines of a run need of its data.

    Attributes:
        n_train: Number of training images.
        n_valid: Number of validation images.
        hashes: sha256 of the targets of each split.
        unit_interval: Whether every target lies in [0, 1].
        low: The smallest value of all splits.
        high: The largest value of all splits.
        constant: Positions of the pixels that are constant in the training set.
        shape: (rows, columns) of an image, or (rows, columns, 3) in colour.
        description: What the data were taken for; empty for published data sets.
        grey: Whether they are grey levels.
        without_examples: Classes of which there is no training image.
        narrowest: The smallest range of a column of own training data that is not constant; infinite where there is none.
    """

    n_train: int
    n_valid: int
    hashes: dict[str, str]
    unit_interval: bool
    low: float
    high: float
    constant: tuple[int, ...]
    shape: tuple[int, ...]
    description: str
    grey: bool
    without_examples: tuple[int, ...]
    narrowest: float

    def could_be_bytes(self, settings: dict[str, Any]) -> bool:
        """Return whether the values could be meant as grey levels from 0 to 255.

        Args:
            settings: The config of the run, which may say what they are meant as.
        """
        return settings["data"].get("values") == "auto" and self.low >= 0 and 1 < self.high <= 255


def is_own_data(settings: dict[str, Any], trusted: tuple[str, ...]) -> bool:
    """Return whether a run reads a user's own files, which --check reads as well.

    Args:
        settings: The config of the run.
        trusted: Users' modules that the config may name.
    """
    return Settings(settings, trusted).states("data", "own") is True


def check_arguments(settings: dict[str, Any]) -> None:
    """Refuse arguments that a data set of aevb does not take, without reading its files.

    Args:
        settings: The validated config.

    Raises:
        UserError: If the data set refuses an argument.
    """
    if str(settings["data"]["_target_"]).startswith("aevb.data."):  # a user's own class may read its files here
        _construct(json.dumps(settings["data"]))


@cache  # once for all points of a sweep
def _construct(node: str) -> None:
    instantiate(json.loads(node))


def check_data(
    settings: dict[str, Any],
    directory: Path,
    trusted: tuple[str, ...],
    warn: Callable[[str], None],
    keep: bool = False,
) -> DataFacts:
    """Read the data of a run, and refuse what cannot be trained on them.

    Args:
        settings: The validated config.
        directory: The run directory, whose data.json is compared if it exists.
        trusted: Users' modules that the config may name.
        warn: Called with each line about data that the decoder does not fit.
        keep: Whether the data are kept in memory for `take_data`.

    Returns:
        What was read.

    Raises:
        UserError: If the data are missing, damaged, changed, or do not fit the rest of the config.
    """
    resolved = Settings(settings, trusted)
    facts = read_facts(settings, trusted, keep)
    if not keep:
        take_data(settings)  # another process reads them
    check_same_data(directory, facts.hashes, settings["data"])
    if settings["batch_size"] > facts.n_train:
        raise UserError(
            f"batch_size={settings['batch_size']}: more than there are training data; "
            f"allowed: an integer >= 1 and <= {facts.n_train}; try: batch_size={min(100, facts.n_train)}"
        )
    if resolved.conditional and facts.without_examples:
        shown = " or ".join(map(str, facts.without_examples))
        remedy = "a larger data.n_train" if settings["data"].get("n_train") else "training images of each label"
        warn(f"data: no training image has the label {shown}, so p(x|z,y) of it is not trained; try: {remedy}")
    if facts.n_valid == 0:
        for fault in no_validation(resolved, settings["data"].get("path") or resolved.class_name("data")):
            raise NoValidationSplit(str(fault))
    _check_decoder(resolved, facts, warn)
    return facts


def take_data(settings: dict[str, Any]) -> "LoadedData | None":
    """Return the data that `check_data` has kept, and keep them no longer.

    Args:
        settings: The config of the run.
    """
    return _kept.pop(json.dumps(settings["data"]), None)


def read_facts(settings: dict[str, Any], trusted: tuple[str, ...], keep: bool = False) -> DataFacts:
    """Read the data of a run, at most once in this process.

    Args:
        settings: The validated config.
        trusted: Users' modules that the config may name.
        keep: Whether the data are kept in memory for `take_data`.

    Returns:
        What was read.

    Raises:
        UserError: If the data are missing or damaged.
    """
    os.environ.update(thread_variables(settings["trainer"]["threads"]))
    node, conditional = json.dumps(settings["data"]), Settings(settings, trusted).conditional
    key = (node, conditional, trusted)
    if key not in _facts or (keep and node not in _kept):
        from aevb.runs.run_data import read_data  # imports numpy

        loaded = read_data(settings, trusted)
        _facts[key] = _facts_of(loaded)
        if keep:
            _kept[node] = loaded
    return _facts[key]


def _facts_of(data: "LoadedData") -> DataFacts:
    from aevb.data.array_values import smallest_range  # imports numpy
    from aevb.data.constant_pixels import constant_pixels
    from aevb.data.labels import without_examples

    dataset, splits = data.dataset, data.splits
    used = [split.x for split in splits if len(split.x)]
    return DataFacts(
        len(splits.train.x),
        len(splits.valid.x),
        data.hashes,
        dataset.unit_interval,
        min(float(part.min()) for part in used),
        max(float(part.max()) for part in used),
        tuple(int(index) for index in constant_pixels(splits.train.x)),
        tuple(dataset.shape),
        dataset.description,
        dataset.convention.kind == "grey",
        () if data.classes is None else tuple(without_examples(splits)),
        smallest_range(splits.train.x) if dataset.own else math.inf,
    )


def forget_data() -> None:
    """Let `check_data` read files again that may have changed since; for a process that lives longer than a command."""
    _facts.clear()
    _kept.clear()


def _check_decoder(settings: Settings, facts: DataFacts, warn: Callable[[str], None]) -> None:
    path = settings.get("data.path")
    source = f"data.path={path}" if path else "data"
    values = f"{source}: values from {facts.low:.4g} to {facts.high:.4g}"
    _check_range(settings, facts, source, values)
    _check_sides(settings, facts, source)
    _warn_of_bounded_means(settings, facts, values, warn)
    _warn_of_constant_pixels(settings, facts, source, warn)


def _check_range(settings: Settings, facts: DataFacts, source: str, values: str) -> None:
    if settings.states("model.decoder", "likelihood") == "bernoulli" and not facts.unit_interval:
        remedy = "model=gaussian_linear"
        if settings.conditional:
            remedy = "model=conditional_gaussian model.decoder.mean=linear"
        grey = ", or data.values=bytes for grey levels 0..255" if facts.could_be_bytes(settings.values) else ""
        raise UserError(
            f"{values}, and {settings.class_name('model.decoder')} needs targets in [0, 1]; allowed: a Gaussian decoder; "
            f"try: {remedy}{grey}"
        )
    if max(abs(facts.low), abs(facts.high)) > LARGEST:
        raise UserError(
            f"{values}, whose squares are no float32; allowed: {-LARGEST:g} to {LARGEST:g}; "
            "try: (x - x.mean(0)) / x.std(0)"
        )
    single = settings.get("trainer.precision") == 32
    if single and settings.class_name("model") == "StandardisedVAE" and facts.narrowest < NARROWEST:
        raise UserError(
            f"{source}: a column whose values differ by {facts.narrowest:.2g} at most, the square of which is no float32; "
            f"allowed: {NARROWEST:g} or more, or a constant column; try: (x - x.mean(0)) / x.std(0)"
        )


def _check_sides(settings: Settings, facts: DataFacts, source: str) -> None:
    multiple = settings.states("model.decoder", "side_multiple")
    if isinstance(multiple, int) and any(side % multiple for side in facts.shape[:2]):
        others = "model=conditional" if settings.conditional else "model=bernoulli or model=gaussian"
        raise UserError(
            f"{source}: images of {' x '.join(map(str, facts.shape))} pixels, and {settings.class_name('model.decoder')} "
            f"halves the sides; allowed: rows and columns that are multiples of {multiple}; try: {others}"
        )


def _warn_of_bounded_means(settings: Settings, facts: DataFacts, values: str, warn: Callable[[str], None]) -> None:
    name, mean = settings.class_name("model.decoder"), settings.get("model.decoder.mean")
    sigmoid = mean == "sigmoid" or (mean is None and name in SIGMOID_MEANS)
    if sigmoid and not facts.unit_interval and settings.states("data", "own"):
        where = "" if name == "ConvolutionalGaussianDecoder" else " (model.decoder.mean=sigmoid)"
        warn(
            f"{values}, and the means of {name} lie in (0, 1){where}, so it fits worse than constant means; "
            f"try: {'model.decoder.mean=linear' if settings.conditional else 'model=gaussian_linear'}"
        )


def _warn_of_constant_pixels(settings: Settings, facts: DataFacts, source: str, warn: Callable[[str], None]) -> None:
    name, shared = settings.class_name("model.decoder"), settings.get("model.decoder.shared")
    if shared is None:
        shared = name == "LinearGaussianDecoder"  # its default: one variance for all pixels
    learned = settings.states("model.decoder", "learned_variance") is True and not shared
    if learned and facts.constant and not settings.get("model.decoder.min_std"):
        from aevb.data.constant_pixels import named  # imports numpy

        floor = "model=gaussian_linear" if name == "LinearGaussianDecoder" else "model.decoder.min_std=0.01"
        noise = " or data.dequantise=uniform" if facts.grey else ""
        warn(
            f"{source}: {named(facts.constant, math.prod(facts.shape))}, and {name} learns a variance for each pixel: the density has "
            f"no bound there, and training diverges sooner or later; try: {floor}{noise}"
        )
