"""The README is short, and its commands and those of the pages with tables of commands are valid."""

import re
import shlex
from importlib.util import find_spec

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from aevb.config import validate
from aevb.config.combinations import warnings
from helpers.commands import REPOSITORY, composed

README = REPOSITORY / "README.md"
DOCS = REPOSITORY / "docs"
PAGES = [
    DOCS / name for name in ("commands.md", "models-and-objectives.md", "schedules.md", "networks.md", "sweeps.md")
]
INCOMPLETE = ("${", "tag(", "model=deep", "logger=lightning", "data.dequantise=")
"""Words of commands that a shell, a search or the command line completes before they are composed."""
COMMAND = re.compile(r"aevb-(train|evaluate|figure) +([^#\n]*)")


def commands(text: str) -> list[tuple[str, tuple[str, ...]]]:
    """The commands of a page that have overrides: of its indented lines, code blocks and inline code.

    Flags are left out, and of a sweep the first point is taken.
    """
    text = re.sub(r"^```(?!bash|sh|console)[\w{].*?^```", "", text, flags=re.DOTALL | re.MULTILINE)  # Python, YAML
    text = re.sub(r"\\\n *", "", text)
    blocks = re.findall(r"^ {4}\S.*$", text, re.MULTILINE)
    blocks += re.findall(r"^```(?:bash|sh|console)?\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    blocks += re.findall(r"`(aevb-[^`\n]+)`", text)
    parsed = [(root, first_point(shlex.split(words))) for block in blocks for root, words in COMMAND.findall(block)]
    return list(dict.fromkeys((root, overrides) for root, overrides in parsed if overrides))


def first_point(words: list[str]) -> tuple[str, ...]:
    """The overrides among the words of a command, those of a sweep with their first value."""
    parser = OverridesParser.create()
    overrides = []
    for word in words:
        if "=" not in word.lstrip("~") and not word.startswith("~"):
            continue  # a flag
        override = parser.parse_override(word)
        if override.is_choice_sweep():
            key = override.get_key_element()
            word = f"{key}={next(iter(override.sweep_string_iterator()))}"
        overrides.append(word)
    return tuple(overrides)


def test_the_readme_is_short():
    lines = README.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 120
    assert [line for line in lines if len(line) > (132 if line.startswith("|") else 120)] == []  # no row can be wrapped


def test_counts_of_the_readme_are_those_of_the_configs():
    text = README.read_text(encoding="utf-8")

    def options(group: str) -> set[str]:
        return {file.stem for file in (REPOSITORY / "conf" / group).glob("*.yaml")}

    data = options("data") - {"array", "synthetic", "synthetic_bernoulli"}
    assert f"{len(options('objective'))} objectives" in text
    assert f"{len(options('model/encoder'))} posterior families" in text
    assert f"{len(data)} data sets" in text


def test_commands_of_the_readme_are_valid():
    check(commands(README.read_text(encoding="utf-8")), at_least=6)


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_of_the_pages_are_valid(page):
    check(complete(commands(page.read_text(encoding="utf-8"))), at_least=3)


@pytest.mark.long
@pytest.mark.slow
def test_commands_of_all_pages_are_valid():
    others = {*PAGES, DOCS / "pitfalls.md"}  # whose globs need a sweep
    pages = [page for page in DOCS.rglob("*.md") if page not in others]
    every = dict.fromkeys(command for page in pages for command in commands(page.read_text(encoding="utf-8")))
    check(complete(list(every)), at_least=100)


def complete(commands: list[tuple[str, tuple[str, ...]]]) -> list[tuple[str, tuple[str, ...]]]:
    """Those that can be composed as they stand."""
    return [(root, words) for root, words in commands if not any(word in " ".join(words) for word in INCOMPLETE)]


@pytest.mark.parametrize("page", ["schedules.md", "getting-started.md", "how-to/own-data.md"])
def test_no_printed_training_ends_in_the_warm_up(page):
    pointless = []
    for root, overrides in commands((DOCS / page).read_text(encoding="utf-8")):
        if root == "train" and not any(word.startswith(("data.path", "init_from")) for word in overrides):
            pointless += warnings(validate(composed(*overrides, root=root), root=root))
    assert pointless == []


def check(commands: list[tuple[str, tuple[str, ...]]], at_least: int) -> None:
    assert len(commands) >= at_least
    faults = []
    for root, overrides in commands:
        if "hydra/launcher=slurm" in overrides and find_spec("hydra_plugins.hydra_submitit_launcher") is None:
            continue  # extra slurm
        try:
            config = composed(*overrides, root=root)
            OmegaConf.set_struct(config, False)
            config.pop("paper", None)  # of experiment=paper: for the sweep, not for its runs
            validate(config, root=root)
        except Exception as error:
            faults.append(f"aevb-{root} {' '.join(overrides)}: {error}")
    assert faults == []


def test_a_wrong_command_is_noticed():
    with pytest.raises(AssertionError, match="latent_dims"):
        check(commands("    aevb-train -m latent_dims=2,3   # a comment\n"), at_least=1)


def test_commands_are_read_from_blocks_and_inline_code():
    text = (
        "Use `aevb-train -m latent_dim=2,5 seed=1`.\n\n    aevb-figure figure=figure2   # draws\n    aevb-report RUNS\n"
    )
    assert commands(text) == [("figure", ("figure=figure2",)), ("train", ("latent_dim=2", "seed=1"))]
