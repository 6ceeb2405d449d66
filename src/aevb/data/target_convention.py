"""What the targets of a data set are, and what a bound or a log p(x) of such targets means."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, Self, get_args

__all__ = ["Likelihood", "TargetConvention", "TargetKind", "is_conditional", "log_px_of"]

TargetKind = Literal["grey", "dequantised", "dynamic", "binary", "real"]
Likelihood = Literal["bernoulli", "gaussian"]
"""The families of p(x|z) that a decoder may state."""

CONDITIONAL = "given the label"  # the remark of a conditional model
CONDITIONAL_MODELS = (".ConditionalVAE", ".SemiSupervisedVAE")
"""Endings of the targets of the models whose class says that it is conditional; records are read without importing it."""

SCALED = re.compile(r"(?P<dynamic>dynamically binarised, p = )?grey/(?P<scale>\d+)(, (?P<remark>.*))?")
BINARY = re.compile(
    r"(?P<description>binarised at 1/2|fixed binarisation \(Larochelle\)|binary, as given|"
    r"drawn from a sigmoid belief network, K = \d+)(, (?P<remark>.*))?"
)
"""What the names of runs of version 0.1 look like; such runs recorded the name alone."""


def is_conditional(model: Mapping[str, Any]) -> bool:
    """Return whether a model is given the label, so that its numbers are bounds of log p(x|y).

    Args:
        model: The config node `model` of a run.
    """
    return str(model.get("_target_")).endswith(CONDITIONAL_MODELS)


@dataclass(frozen=True)
class TargetConvention:
    """The kind of the targets of a data set, and how they were made.

    Args:
        kind: "grey": the targets are grey levels in [0, 1]. "dequantised": grey levels with uniform noise, (k + u)/s
            (aevb.data.dequantisation). "dynamic": the grey levels are probabilities, from which
            binary targets are sampled every time an image is used. "binary": the targets are 0 or 1. "real": the
            targets are real numbers.
        scale: The divisor that maps the bytes to grey levels, s; None if the kind is "binary" or "real".
        description: How binary or real targets were made; "" for the kinds that have a scale.
        remark: What else must be known about the data or the numbers; "" for nothing.

    Raises:
        ValueError: If the kind is unknown, or if the scale and the description do not fit it.
    """

    kind: TargetKind
    scale: int | None = None
    description: str = ""
    remark: str = ""

    def __post_init__(self) -> None:
        if self.kind not in get_args(TargetKind):
            raise ValueError(f"kind is one of {', '.join(get_args(TargetKind))}")
        if self.kind in ("grey", "dequantised", "dynamic"):
            if not isinstance(self.scale, int) or self.description:
                raise ValueError("grey, dequantised and dynamic targets have a scale, and no description")
        elif self.scale is not None or not self.description:
            raise ValueError("binary and real targets have a description, and no scale")

    def __str__(self) -> str:
        """Return the name that tables show, for example "grey/255"."""
        grey = f"grey/{self.scale}"
        names = {
            "grey": grey,
            "dequantised": f"grey levels dequantised, (k + u)/{self.scale}",
            "dynamic": f"dynamically binarised, p = {grey}",
        }
        return ", ".join(filter(None, (names.get(self.kind, self.description), self.remark)))

    def for_model(self, model: Mapping[str, Any]) -> Self:
        """Return the convention with what the model adds to the meaning of its numbers.

        Args:
            model: The config node `model` of the run.

        Returns:
            The convention; with a remark as "std >= 0.01" if the decoder has a floor of its variance, and "given the
            label" if the model is conditional.
        """
        floor, target = (model.get("decoder") or {}).get("min_std"), str(model.get("_target_"))
        unit = " of that of the pixel" if "Standardised" in target else ""
        remarks = [self.remark, f"std >= {floor:g}{unit}" if floor else ""]
        if is_conditional(model):
            remarks.append(CONDITIONAL)
        return replace(self, remark=", ".join(filter(None, remarks)))

    def record(self) -> dict[str, Any]:
        """Return the fields as a JSON object, for DONE."""
        return asdict(self)

    @classmethod
    def of_run(cls, done: Mapping[str, Any]) -> Self | None:
        """Return the convention that a finished run has recorded.

        Args:
            done: The content of DONE.

        Returns:
            The convention; None if the run does not state it.
        """
        if "target_convention" in done:
            return cls(**done["target_convention"])
        return cls.from_name(done["targets"]) if done.get("targets") else None

    @classmethod
    def from_name(cls, name: str) -> Self:
        """Return the convention of a name, which is all that runs of version 0.1 have recorded.

        Args:
            name: What `str` of the convention returns.

        Returns:
            The convention. A name of an unknown form describes real targets.
        """
        if (scaled := SCALED.fullmatch(name)) is not None:
            kind: TargetKind = "dynamic" if scaled["dynamic"] else "grey"
            return cls(kind, int(scaled["scale"]), remark=scaled["remark"] or "")
        if (binary := BINARY.fullmatch(name)) is not None:
            return cls("binary", description=binary["description"], remark=binary["remark"] or "")
        return cls("real", description=name)

    def meaning(self, likelihood: Likelihood | None) -> str:
        """Return a sentence that says how to interpret a bound or a log p(x) of these targets.

        The sentence is shown with every such number.

        Args:
            likelihood: The family of p(x|z); None for a decoder that does not state it.

        Returns:
            The sentence, without a final full stop.
        """
        of_label = "; log p(x|y) given the label y, not comparable with log p(x) of a model without labels"
        return self._of_pixels(likelihood) + (of_label if CONDITIONAL in self.remark.split(", ") else "")

    def _of_pixels(self, likelihood: Likelihood | None) -> str:
        if likelihood is None:
            return "nats under the likelihood of the decoder, which does not state its family"
        if likelihood == "bernoulli" and self.kind in ("grey", "dequantised"):
            return (
                "grey under a Bernoulli likelihood: lower bounds of E_b log p(b) over b ~ Bernoulli(x), never above "
                "-H(x); no log-mass of the image, not comparable with tables of binary images"
            )
        if likelihood == "bernoulli" and self.kind == "real":
            return "log-mass if every target is 0 or 1, comparable with the same images only; else no log-mass, as for grey levels"
        if likelihood == "bernoulli":
            return "log-mass where the targets are binary, comparable with the same binarisation only"
        if self.kind == "grey":
            return (
                "log-density at byte levels under a Gaussian likelihood: without a ceiling, and moving with the scale "
                "(D ln(256/255) nats between byte/256 and byte/255); of the bytes themselves: evaluator=bits_per_dim"
            )
        if self.kind == "dequantised":
            return (
                "log-density of grey levels with uniform noise of one level: minus D log of the number of levels it is a "
                "lower bound of the log-mass of the levels"
            )
        return "log-density of real numbers, in their unit"


def log_px_of(settings: dict[str, Any]) -> str:
    """Return what the numbers of a run are bounds or estimates of: "log p(x)", or "log p(x|y)" of a conditional model.

    Args:
        settings: The config of the run, which may come from anyone.
    """
    model = settings.get("model")
    return "log p(x|y)" if isinstance(model, dict) and is_conditional(model) else "log p(x)"
