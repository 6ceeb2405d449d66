"""Every YAML of conf/ composes and binds; data sets, decoders and experiments choose for one another in the right order."""

import inspect
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import hydra
import pytest

from aevb.config import CONF, RUNTIME, difference, fingerprint, options, targets, validate
from aevb.config.instantiate import instantiate
from aevb.config.tree import read_yaml, targets_in
from helpers.commands import composed, settings

GROUPS = sorted(path.name for path in CONF.iterdir() if path.is_dir() and path.name not in ("hydra", "figure"))
PARTS = ("model/encoder", "model/prior")
COMPANIONS = {
    "objective=mcem": ("latent_dim=3",),  # for its evaluator, quadrature
    "objective=semi_supervised": ("model=semi_supervised",),
    "evaluator=quadrature": ("latent_dim=3",),
    "evaluator=enumeration": ("objective=exact_bound",),
    "evaluator=predictive": ("objective=full_vb",),
    "evaluator=bits_per_dim": ("model=gaussian",),
    "data=array": ("data.path=mine.npz",),
    "logger=lightning": (
        "+logger.logger._target_=lightning.pytorch.loggers.CSVLogger",
        "+logger.logger.save_dir=outputs",
    ),
    "evaluator=classification": ("model=conditional",),
    "model=binary": ("objective=arm",),
    "model=binary_linear": ("objective=arm",),
    "model=autoregressive": ("data.targets=dynamic",),
    "model=semi_supervised": ("objective=semi_supervised",),
    "model=two_layer": ("objective=iwae",),
}  # options that the defaults do not suit
SWEEPS_ALONE = ("experiment=paper",)  # tests/cli/test_experiment_sweep.py
LONGEST = 110
KINDS = ("Paper", "Study", "Course", "Check")


def nodes(value: Any) -> list[dict[str, Any]]:
    """Every mapping with `_target_` below `value`."""
    if isinstance(value, list):
        return [node for item in value for node in nodes(item)]
    if not isinstance(value, dict):
        return []
    return [value] * ("_target_" in value) + [node for item in value.values() for node in nodes(item)]


def bind(node: dict[str, Any]) -> None:
    path, _, name = node["_target_"].rpartition(".")
    signature = inspect.signature(getattr(import_module(path), name))
    keywords = {key: value for key, value in node.items() if key != "_target_"}
    signature.bind(**dict.fromkeys(RUNTIME & signature.parameters.keys() - keywords.keys()), **keywords)


def binding_fault(*overrides: str, root: str = "train") -> str | None:
    """Why a config does not compose, validate or bind to its constructors; None if it does."""
    try:
        for node in nodes(validate(composed(*overrides, root=root), ("lightning",), root=root)):
            bind(node)
    except Exception as error:
        return f"{' '.join(overrides)}: {type(error).__name__}: {error}"
    return None


@pytest.mark.parametrize("group", GROUPS)
def test_every_option_composes_validates_and_binds(group: str) -> None:
    choices = [f"{group}={option}" for option in options(group)]
    assert choices
    faults = [binding_fault(choice, *COMPANIONS.get(choice, ())) for choice in choices if choice not in SWEEPS_ALONE]
    assert [fault for fault in faults if fault is not None] == []


def test_there_is_something_to_choose() -> None:
    assert {"data", "model", "objective", "evaluator", "evaluation", "pitfall"} <= set(GROUPS)
    assert ("mnist" in options("data"), "gaussian" in options("model"), "sgvb_a" in options("objective")) == (True,) * 3


def test_encoders_and_priors_compose_with_a_model() -> None:
    """Three here; that the others bind too is the next test."""
    choices = [["model/encoder=gaussian"], ["model/encoder=beta"], ["model/prior=laplace", "model/encoder=laplace"]]
    assert [fault for choice in choices if (fault := binding_fault(*choice)) is not None] == []


@pytest.mark.parametrize("part", PARTS)
def test_every_encoder_and_prior_binds(part: str) -> None:
    for option in options(part):
        for node in nodes(read_yaml(CONF / part / f"{option}.yaml")):
            bind({key: value for key, value in node.items() if key != "defaults"})


def test_every_figure_composes_validates_and_binds() -> None:
    faults = [binding_fault(f"figure={option}", root="figure") for option in options("figure")]
    assert len(faults) > 20
    assert [fault for fault in faults if fault is not None] == []


def header(path: Path) -> list[str]:
    """The comment lines that a file begins with, without `# @package`."""
    lines = path.read_text(encoding="utf-8").splitlines()
    comments = lines[: next((i for i, line in enumerate(lines) if not line.startswith("#")), len(lines))]
    return [line for line in comments if not line.startswith("# @package")]


def test_every_file_says_what_it_is() -> None:
    assert [str(path) for path in CONF.rglob("*.yaml") if not header(path)] == []


def test_every_experiment_states_kind_command_cost_and_result() -> None:
    faults = []
    for option in options("experiment"):
        lines = header(CONF / "experiment" / f"{option}.yaml")
        text = "\n".join(lines)
        kind = lines[0].removeprefix("# ").partition(":")[0]
        command = f"experiment={option}" in text or option == "demo"
        if (
            kind not in KINDS
            or not command
            or "# Command: " not in text
            or "Cost: " not in text
            or "Result: " not in text
        ):
            faults.append(option)
    assert faults == []


def test_documents_that_headers_name_exist() -> None:
    named = {
        (path, name)
        for path in CONF.rglob("*.yaml")
        for name in re.findall(r"\b((?:docs|tests|scripts)/[\w./-]*\w)", "\n".join(header(path)))
    }
    assert named
    assert [(str(path), name) for path, name in named if not (CONF.parent / name).exists()] == []


def test_lines_are_short() -> None:
    """But commands, which are copied as a whole."""
    lines = [(path, line) for path in CONF.rglob("*.yaml") for line in path.read_text(encoding="utf-8").splitlines()]
    assert [(str(path), line) for path, line in lines if len(line) > LONGEST and " aevb-" not in line] == []


def test_every_yaml_is_an_option() -> None:
    named = {CONF / f"{group}/{option}.yaml" for group in [*GROUPS, *PARTS, "figure"] for option in options(group)}
    roots = {CONF / f"{name}.yaml" for name in ("train", "evaluate", "figure")}
    helps = {CONF / f"hydra/help/{name}.yaml" for name in ("train", "evaluate", "figure")}
    launchers = {CONF / f"hydra/launcher/{name}.yaml" for name in ("cores", "ensemble", "slurm")}
    sweepers = {CONF / f"hydra/sweeper/{name}.yaml" for name in ("experiments", "optuna")}
    assert set(CONF.rglob("*.yaml")) == named | roots | helps | launchers | sweepers


def test_evaluate_composes() -> None:
    config = validate(composed("run=x", root="evaluate"), root="evaluate")
    assert set(config["evaluator"]) == {"bound", "importance"}


def decoder(*overrides: str) -> tuple[str, int, int, int]:
    config = settings(*overrides)
    model = config["model"]
    assert model["encoder"]["hidden_dim"] == model["decoder"]["hidden_dim"]
    window = config["evaluation"]["train_window"]
    return model["decoder"]["_target_"].rpartition(".")[2], config["hidden_dim"], model["encoder"]["hidden_dim"], window


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["data=mnist"], ("BernoulliDecoder", 500, 500, 230_000)),
        (["data=frey_face"], ("GaussianDecoder", 200, 200, 460_000)),
        (["data=frey_face", "model=bernoulli"], ("BernoulliDecoder", 200, 200, 460_000)),
        (["model=bernoulli", "data=frey_face"], ("BernoulliDecoder", 200, 200, 460_000)),
        (["data=frey_face", "hidden_dim=50"], ("GaussianDecoder", 50, 50, 460_000)),
        (["data=frey_face", "evaluation.train_window=7"], ("GaussianDecoder", 200, 200, 7)),
        (["data=mnist", "model=gaussian"], ("GaussianDecoder", 500, 500, 230_000)),
    ],
)
def test_a_data_set_chooses_its_decoder_by_default(overrides: list[str], expected: tuple[str, int, int, int]) -> None:
    assert decoder(*overrides) == expected


def test_an_experiment_may_choose_the_data_set(tmp_path: Path) -> None:
    (tmp_path / "experiment").mkdir()
    header = "# @package _global_\ndefaults:\n  - override /data: frey_face\n"
    (tmp_path / "experiment" / "faces.yaml").write_text(
        f"{header}latent_dim: 2\nhidden_dim: 7\noptimizer: {{lr: 0.02}}\n"
    )
    (tmp_path / "experiment" / "odd.yaml").write_text(f"{header}  - override /model: bernoulli\n")
    path = f"hydra.searchpath=[file://{tmp_path}]"
    faces = settings(path, "experiment=faces")
    assert faces["model"]["decoder"]["_target_"] == "aevb.models.gaussian.GaussianDecoder"
    assert (faces["latent_dim"], faces["hidden_dim"], faces["optimizer"]["lr"]) == (2, 7, 0.02)
    assert faces["evaluation"]["train_window"] == 460_000
    assert decoder(path, "experiment=odd")[:2] == ("BernoulliDecoder", 200)
    over = settings(path, "experiment=faces", "latent_dim=9", "data=mnist")
    assert (over["latent_dim"], over["data"]["_target_"]) == (9, "aevb.data.mnist.MNIST")


def test_targets_are_what_parsing_the_files_finds() -> None:
    own_files = [path for path in CONF.rglob("*.yaml") if CONF / "hydra" not in path.parents]
    assert targets() == {name for path in own_files for name in targets_in(read_yaml(path))}


def test_targets_are_all_of_aevb() -> None:
    assert all(target.startswith("aevb.") for target in targets())


def test_a_model_builds_from_its_config() -> None:
    config = settings("data=digits", "latent_dim=3")
    model = instantiate(config["model"], data_dim=64)
    assert model.decoder.logits.weight.shape == (64, 100)
    assert hydra.core.global_hydra.GlobalHydra.instance().is_initialized() is False


def test_an_encoder_chooses_its_prior_by_default() -> None:
    config = settings("model/encoder=gamma")["model"]
    assert (config["encoder"]["family"], config["prior"]["family"]) == ("gamma", "exponential")
    chosen = settings("model/encoder=gamma", "model/prior=log_normal", "objective=sgvb_a")
    assert chosen["model"]["prior"]["family"] == "log_normal"
    assert settings("model/encoder=laplace")["model"]["prior"]["_target_"] == "aevb.models.prior.StandardNormal"
    assert settings("model/encoder=gaussian") == settings()


@pytest.mark.parametrize(("key", "default", "other"), [("dreams", "samples", "means"), ("prior_on", "decoder", "both")])
def test_wake_sleep_by_default_is_what_it_was_before_it_had_options(key: str, default: str, other: str) -> None:
    plain, changed = (settings("objective=wake_sleep", f"objective.{key}={what}") for what in (default, other))
    older = {**plain, "objective": {name: value for name, value in plain["objective"].items() if name != key}}
    assert fingerprint(plain) == fingerprint(older) != fingerprint(changed)


def test_gradients_that_are_not_clipped_leave_the_identity_alone() -> None:
    plain, clipped = settings(), settings("clip_norm=1")
    older = {key: value for key, value in plain.items() if not key.startswith("clip_")}
    assert fingerprint(plain) == fingerprint(older) != fingerprint(clipped)
    assert difference(clipped, older) == {"clip_norm": (1.0, "absent")}
