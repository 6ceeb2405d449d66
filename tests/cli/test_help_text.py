"""--help names every key of the schema and every option, within its width, with the defaults marked."""

import pytest
from omegaconf import OmegaConf

from aevb.cli.composition import register_resolvers
from aevb.cli.help_text import KINDS, WIDTH, experiment_kind
from aevb.config import CONF, options
from aevb.config.signature import signature
from aevb.config.tree import read_yaml
from helpers.in_process import run_command

LISTED = {
    "train": (
        *("data", "model", "model/encoder", "model/prior", "objective", "optimizer", "selection", "evaluator"),
        *("schedule", "early_stopping", "evaluation", "trainer", "logger", "experiment", "pitfall"),
    ),
    "evaluate": ("evaluator",),
    "figure": ("figure",),
}


def help_of(root: str) -> str:
    register_resolvers()
    template = read_yaml(CONF / "hydra" / "help" / f"{root}.yaml")["template"]
    return str(OmegaConf.create({"template": template}).template)


@pytest.mark.parametrize("root", LISTED)
def test_every_key_and_option_is_in_the_help(root: str) -> None:
    text = help_of(root)
    schema = signature(f"aevb.config.schema.{root.capitalize()}")
    assert schema is not None
    entries = [line.split()[0] for line in text.splitlines() if line.startswith("  ") and line.split()]
    assert [key for key in schema.parameters if key not in entries] == []
    words = {word.strip(",*") for word in text.split()}
    missing = [f"{group}={option}" for group in LISTED[root] for option in options(group) if option not in words]
    assert missing == []
    assert [line for line in text.splitlines() if len(line) > WIDTH] == []


def test_defaults_are_marked() -> None:
    words = {word.strip(",") for word in help_of("train").split() if word.strip(",").endswith("*")}
    marked = {"mnist*", "bernoulli*", "gaussian*", "standard_normal*", "sgvb_b*", "adagrad*", "bound*", "importance*"}
    assert words == marked | {"default*", "tensorboard*", "constant*"}


def test_every_experiment_has_a_kind() -> None:
    assert [name for name in options("experiment") if experiment_kind(name) not in KINDS] == []


@pytest.mark.parametrize("root", ["train", "evaluate", "figure"])
def test_the_help_of_hydra_is_shown(root: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    assert run_command(root, ["--hydra-help"], monkeypatch) == 0
    output = capsys.readouterr()
    assert "--config-dir" in output.out
    assert output.err == ""


@pytest.mark.parametrize("words", [["verify"], ["weights", "pack"]])
def test_trust_names_a_module_as_in_the_other_commands(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run_command(words[0], [*words[1:], "--help"], monkeypatch)
    assert "--trust MODULE" in capsys.readouterr().out
