"""What targets are is stated in fields, recorded in DONE, and stated wherever a number of theirs is shown."""

from typing import Any

import numpy as np
import pytest

from aevb.config import CONF, options
from aevb.config.class_attributes import attribute
from aevb.config.tree import read_yaml
from aevb.data.array import ArrayDataset
from aevb.data.binarisation import convention
from aevb.data.dataset import Dataset
from aevb.data.digits import Digits
from aevb.data.frey_face import FreyFace
from aevb.data.mnist import MNIST
from aevb.data.shapes import Shapes
from aevb.data.synthetic import LinearGaussian, SigmoidBelief
from aevb.data.target_convention import TargetConvention, is_conditional
from aevb.pitfalls.training_on_test import TrainingOnTest

DATASETS: list[Dataset] = [
    *(MNIST(targets=kind) for kind in ("grey", "dynamic", "threshold", "fixed")),
    MNIST(scale=256),
    FreyFace(),
    Digits(),
    Shapes(targets="threshold"),
    LinearGaussian(),
    SigmoidBelief(),
    TrainingOnTest(),
    TrainingOnTest("dynamic"),
    TrainingOnTest("threshold"),
]


@pytest.mark.parametrize(
    ("kind", "likelihood", "description"),
    [
        ("grey", "bernoulli", "lower bounds of E_b log p(b) over b ~ Bernoulli(x), never above -H(x)"),
        ("grey", "bernoulli", "not comparable with tables of binary images"),
        ("dynamic", "bernoulli", "the same binarisation only"),
        ("threshold", "bernoulli", "the same binarisation only"),
        ("fixed", "bernoulli", "the same binarisation only"),
        ("grey", "gaussian", "evaluator=bits_per_dim"),
        ("grey", "gaussian", "log-density at byte levels"),
        ("grey", None, "does not state its family"),
    ],
)
def test_every_convention_says_what_it_is(kind: str, likelihood: Any, description: str) -> None:
    assert description in convention(kind, 255).meaning(likelihood)


def test_what_is_not_binary_is_no_log_mass_of_a_bernoulli_decoder() -> None:
    assert "no log-mass of the image" in TargetConvention("dequantised", 256).meaning("bernoulli")
    assert "if every target is 0 or 1" in LinearGaussian().convention.meaning("bernoulli")


def test_the_numbers_of_a_conditional_model_are_given_the_label() -> None:
    model = {"_target_": "aevb.models.conditional.ConditionalVAE", "decoder": {"min_std": 0.1}}
    conditional, plain = (convention("grey", 255).for_model(node).meaning("bernoulli") for node in (model, {}))
    assert (
        conditional == plain + "; log p(x|y) given the label y, not comparable with log p(x) of a model without labels"
    )


def test_the_models_that_are_conditional_are_those_whose_class_says_so() -> None:
    configs = [read_yaml(CONF / "model" / f"{name}.yaml") for name in options("model")]
    targets = {str(config.get("model", config)["_target_"]) for config in configs}
    conditional = {target for target in targets if attribute(target, "conditional")}
    assert len(conditional) >= 2
    assert {target for target in targets if is_conditional({"_target_": target})} == conditional


def test_real_numbers_are_a_density() -> None:
    assert LinearGaussian().convention.meaning("gaussian") == "log-density of real numbers, in their unit"


@pytest.mark.parametrize("dataset", DATASETS, ids=lambda dataset: str(dataset.convention))
def test_the_fields_agree_with_the_data_and_survive_a_record(dataset: Dataset) -> None:
    """Also from the name alone, which is all that the runs of version 0.1 have recorded."""
    stated = dataset.convention
    assert dataset.dynamic == (stated.kind == "dynamic")
    assert TargetConvention.of_run({"target_convention": stated.record(), "targets": "other"}) == stated
    assert TargetConvention.of_run({"targets": str(stated)}) == stated
    assert TargetConvention.of_run({}) is None


@pytest.mark.parametrize(
    "dataset",
    [Digits(), Digits("threshold"), SigmoidBelief(), LinearGaussian()],
    ids=lambda dataset: str(dataset.convention),
)
def test_the_kind_is_that_of_the_numbers(dataset: Dataset) -> None:
    x = dataset.load().train.x
    binary, unit = bool(np.isin(x, (0, 1)).all()), bool((x >= 0).all() and (x <= 1).all())
    assert dataset.convention.kind == ("binary" if binary else "grey" if dataset.unit_interval and unit else "real")


@pytest.mark.parametrize(
    ("dtype", "kind"), [(np.uint8, "grey"), (bool, "binary"), (np.float32, "real"), (np.float64, "real")]
)
def test_an_array_states_its_kind(dtype: type, kind: str, tmp_path: Any) -> None:
    np.save(tmp_path / "mine.npy", np.arange(40).reshape(20, 2).astype(dtype))
    stated = ArrayDataset(str(tmp_path / "mine.npy")).convention
    assert stated.kind == kind
    assert TargetConvention.from_name(str(stated)) == stated


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "gray", "scale": 255},
        {"kind": "grey"},
        {"kind": "grey", "scale": 255, "description": "levels"},
        {"kind": "binary", "scale": 255, "description": "bits"},
        {"kind": "real"},
    ],
    ids=str,
)
def test_fields_that_contradict_each_other_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"kind is one of|have a (scale|description), and no"):
        TargetConvention(**fields)
