"""The contract of every evaluator: what evaluations and logs rely on, whatever is computed."""

import copy
import json
import random
import re
import sys
from functools import cache

import numpy as np
import pytest
import torch
from torch import Tensor

from aevb.config import CONF
from aevb.config.instantiate import instantiate
from aevb.errors import UserError
from aevb.evaluators.blocks import run_over
from aevb.evaluators.evaluator import Evaluator
from aevb.evaluators.suitable import suitable_evaluators
from aevb.models.vae import VAE
from helpers.commands import composed, settings

OPTIONS = sorted(path.stem for path in (CONF / "evaluator").glob("*.yaml"))
N, D, C = 3, 16, 3  # images, pixels, classes

SMALL = {
    "ais": ("temperatures=4", "chains=2"),
    "bdmc": ("temperatures=4", "chains=2"),
    "fitted_bound": ("samples=2", "max_steps=3"),
    "importance": ("samples=30",),
    "inference_gap": ("steps=2", "draws=2", "samples=30"),
    "predictive": ("draws=2", "samples=4"),
    "quadrature": ("levels=3",),
    "reciprocal": ("samples=8", "chains=2", "temperatures=3"),
}
"""Arguments of evaluators that would take long."""

EXACT = {"enumeration", "quadrature", "reconstruction"}
"""Evaluators without random numbers."""

WHOLE_SPLIT = {"information", "total_correlation"}
"""Evaluators whose value of an image depends on all other images."""

MODELS = {
    "gaussian": ("model=gaussian", "latent_dim=2"),
    "full_vb": ("model=gaussian", "latent_dim=2", "objective=full_vb"),
    "bernoulli": ("model=bernoulli", "latent_dim=4"),
    "binary": ("model=binary", "latent_dim=4", "objective=vimco"),
    "no encoder": ("model=gaussian", "latent_dim=2", "model.encoder=null", "evaluator=ais"),
    "point": ("model=gaussian", "latent_dim=2", "++model.encoder.variance=0", "objective=autoencoder"),
    "laplace": ("model=bernoulli", "latent_dim=2", "model/encoder=laplace", "model/prior=laplace"),
    "conditional": ("model=conditional", "latent_dim=2"),
    "two layers": ("model=two_layer", "latent_dim=2", "objective=iwae", "model.encoder.top_latent_dim=2"),
}
SUITABLE = {"classification": "conditional", "enumeration": "binary", "predictive": "full_vb"}
"""Where another model than "gaussian" is needed."""


@cache
def node(option: str) -> str:
    overrides = [f"evaluator.{option}.{argument}" for argument in SMALL.get(option, ())]
    ((_, value),) = composed(f"evaluator={option}", *overrides, root="evaluate").evaluator.items()
    return json.dumps(dict(value))


def evaluator(option: str) -> Evaluator:
    return instantiate(json.loads(node(option)))


@cache
def _model(name: str) -> VAE:
    config = settings("data=digits", "data.targets=threshold", "hidden_dim=3", *MODELS[name])
    return instantiate(config["model"], data_dim=D, data_shape=(4, 4), num_classes=C).double().eval()


def model(option: str) -> VAE:
    return copy.deepcopy(_model(SUITABLE.get(option, "gaussian")))


def images(used: VAE, count: int = N) -> Tensor:
    """Binary images of grey level 0 or 128 of 256: valid targets of every decoder and of bits_per_dim. With labels if needed."""
    x = torch.rand((count, D), generator=torch.Generator().manual_seed(0)).round().double() / 2
    return torch.cat([x, torch.eye(C).double()[:count]], 1) if used.conditional else x


def random_state() -> tuple[bytes, object, bytes]:
    return torch.get_rng_state().numpy().tobytes(), random.getstate(), np.random.get_state()[1].tobytes()  # noqa: NPY002


@pytest.mark.parametrize("option", OPTIONS)
def test_every_image_has_one_number_of_every_value(option: str) -> None:
    case = evaluator(option)
    used = model(option)
    evaluation = run_over(case, used, images(used), seed=0)
    assert evaluation.primary_value == case.primary_value
    assert case.direction in ("lower bound", "upper bound", "exact", "")
    for name, value in evaluation.values.items():
        assert (value.shape, value.dtype, value.device.type) == ((N,), torch.float64, "cpu"), name
        assert not value.requires_grad, name
    assert evaluation.values[case.primary_value].isfinite().all()
    assert np.isfinite(evaluation.mean())
    assert set(case.marked) <= set(evaluation.summary)
    assert (case.images == sys.maxsize) == (option in WHOLE_SPLIT)


@pytest.mark.parametrize("option", OPTIONS)
def test_a_seed_fixes_every_digit_and_another_changes_them(option: str) -> None:
    x = images(model(option))
    first, again, other = (run_over(evaluator(option), model(option), x, seed) for seed in (0, 0, 1))
    for name, value in first.values.items():
        assert torch.equal(value.nan_to_num(), again.values[name].nan_to_num()), name
    assert repr(first.summary) == repr(again.summary)
    same = all(torch.equal(value.nan_to_num(), other.values[name].nan_to_num()) for name, value in first.values.items())
    assert same == (option in EXACT), "an evaluator without random numbers is named in EXACT, and no other"


@pytest.mark.parametrize("option", [option for option in OPTIONS if option not in WHOLE_SPLIT])
def test_the_size_of_the_blocks_and_the_other_images_change_nothing(option: str) -> None:
    x = images(model(option))
    whole = run_over(evaluator(option), model(option), x, seed=0).values
    single = evaluator(option)
    single.images = 1
    cut = run_over(single, model(option), x, seed=0).values
    fewer = run_over(evaluator(option), model(option), x[:2], seed=0).values
    for name, value in whole.items():
        torch.testing.assert_close(cut[name], value, rtol=1e-9, atol=1e-9, equal_nan=True, msg=name)
        torch.testing.assert_close(fewer[name], value[:2], rtol=1e-9, atol=1e-9, equal_nan=True, msg=name)


@pytest.mark.parametrize("option", OPTIONS)
def test_the_model_and_the_global_generators_are_left_alone(option: str) -> None:
    case, used = evaluator(option), model(option)
    x = images(used)
    weights, before = copy.deepcopy(used.state_dict()), random_state()
    run_over(case, used, x, seed=0)
    assert random_state() == before
    assert torch.equal(x, images(used))
    assert torch.is_grad_enabled()
    assert not used.training
    assert all(torch.equal(value, weights[name]) for name, value in used.state_dict().items())
    assert all(parameter.requires_grad and parameter.grad is None for parameter in used.parameters())


@pytest.mark.parametrize("option", OPTIONS)
def test_settings_and_summary_are_json(option: str) -> None:
    case = evaluator(option)
    before = json.dumps(case.settings)
    used = model(option)
    summary = run_over(case, used, images(used), seed=0).summary
    assert json.loads(json.dumps(case.settings, allow_nan=False)) == case.settings
    assert json.dumps(case.settings) == before
    assert json.loads(json.dumps(summary)) == summary or "NaN" in json.dumps(summary)
    assert re.fullmatch(r"[\w.-]*", case.suffix)
    assert re.fullmatch(r"\w+", case.name)


@pytest.mark.parametrize("option", OPTIONS)
def test_a_model_is_evaluated_or_refused_in_one_line(option: str) -> None:
    """What `check` accepts can be computed; what it refuses is one line whose suggestions are accepted."""
    faults, refused = [], 0
    for name in MODELS:
        case, used = evaluator(option), copy.deepcopy(_model(name))
        try:
            case.check(used)
        except UserError as refusal:
            refused += 1
            message = str(refusal)
            if not re.fullmatch(rf"evaluator={case.name}: [^\n]+; allowed: [^\n]+; try: [^\n]+", message):
                faults.append((name, message))
        else:
            values = run_over(case, used, images(used, 2), seed=0).values
            if not values[case.primary_value].isfinite().all():
                faults.append((name, "not finite"))
    assert faults == []
    assert refused or option in ("fitted_bound", "reconstruction", "shapes", "importance")


@pytest.mark.parametrize("name", ["bernoulli", "binary", "no encoder", "point", "laplace", "conditional", "two layers"])
def test_the_suggested_evaluators_support_the_model(name: str) -> None:
    used = _model(name)
    suitable = suitable_evaluators(used)
    assert suitable
    faults = []
    for option in OPTIONS:
        fault = evaluator(option).unsupported(used)
        if fault is None:
            continue
        with pytest.raises(UserError) as refusal:
            evaluator(option).check(used)
        tried = re.findall(r"\w+", str(refusal.value).partition("try: ")[2].replace("evaluator=", ""))
        listed = str(refusal.value).partition("allowed: ")[2].partition(";")[0].split(", ")
        if not tried or not set(tried) <= set(suitable) or listed != suitable:
            faults.append((option, tried, listed))
    assert faults == []
