"""The commands of the how-to pages are valid, and their examples run as they are written."""

import re
import shlex

import pytest

from aevb.config import CONF
from helpers.commands import REPOSITORY, aevb, python

FOLDER = REPOSITORY / "docs" / "how-to"


def blocks(page: str, language: str) -> list[str]:
    text = (FOLDER / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def commands(page: str, program: str) -> list[list[str]]:
    lines = (FOLDER / page).read_text(encoding="utf-8").splitlines()
    words = [
        shlex.split(line, comments=True) for line in lines if re.match(rf" {{4}}(PYTHONPATH=\S+ )?{program} ", line)
    ]
    return [[word for word in line if not word.startswith("PYTHONPATH=")][1:] for line in words]


@pytest.mark.process
def test_a_model_made_elsewhere_is_evaluated(tmp_path):
    (example,) = blocks("own-model.md", "python")
    done = python("-c", example, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    names = [line.split()[0] for line in done.stdout.splitlines()]
    assert names == ["quadrature", "ais", "importance"]
    first = [float(line.split("[")[1].split(",")[0]) for line in done.stdout.splitlines()]
    assert max(first) - min(first) < 0.5  # one log p(x), three ways; a fixed seed


@pytest.mark.process
def test_a_decoder_of_ones_own_trains_and_evaluates(tmp_path):
    module, *_ = blocks("own-decoder.md", "python")
    (config,) = blocks("own-decoder.md", "yaml")
    (tmp_path / "mymodels.py").write_text(module, encoding="utf-8")
    (tmp_path / "conf" / "model").mkdir(parents=True)
    (tmp_path / "conf" / "model" / "deep.yaml").write_text(config, encoding="utf-8")
    environment = {"PYTHONPATH": str(tmp_path)}
    (train,) = commands("own-decoder.md", "aevb-train")
    short = ["max_samples=300", "logger=none", "evaluator=bound", "name=mine"]
    trained = aevb("train", *train, *short, folder=tmp_path, env=environment)
    assert trained.returncode == 0, trained.stderr
    (words,) = commands("own-decoder.md", "aevb-evaluate")
    words = [word.replace("NAME", "mine") for word in words]
    evaluated = aevb("evaluate", *words, folder=tmp_path, env=environment)
    assert evaluated.returncode == 0, evaluated.stderr
    assert "under a Bernoulli likelihood" in evaluated.stdout  # the family that the page's decoder states
    refused = aevb("train", "--check", *train, "data=synthetic", folder=tmp_path, env=environment)
    assert refused.returncode == 2
    assert "needs targets in [0, 1]" in refused.stderr
    untrusted = aevb("evaluate", *words[2:], folder=tmp_path, env=environment)
    assert untrusted.returncode == 2
    assert "--trust" in untrusted.stderr


@pytest.mark.process
def test_a_decoder_of_ones_own_trains_and_is_loaded_in_python(tmp_path):
    module, example = blocks("own-decoder.md", "python")
    (config,) = blocks("own-decoder.md", "yaml")
    (tmp_path / "mymodels.py").write_text(module, encoding="utf-8")
    (tmp_path / "conf" / "model").mkdir(parents=True)
    (tmp_path / "conf" / "model" / "deep.yaml").write_text(config, encoding="utf-8")
    short = 'settings |= {"max_samples": 300, "logger": "none", "evaluator": "bound"}\nrun = '
    shown = "\nprint(type(vae.model.decoder).__name__)"
    done = python("-c", example.replace("run = ", short) + shown, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "DeepDecoder"


@pytest.mark.process
def test_an_array_of_ones_own_trains(tmp_path):
    (example,) = blocks("own-data.md", "python")
    assert python("-c", example, folder=tmp_path).returncode == 0
    words, *_ = commands("own-data.md", "aevb-train")
    done = aevb("train", *words, "max_samples=300", "logger=none", "evaluator=bound", folder=tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.process
def test_an_archive_is_packed_listed_and_unpacked(tmp_path):
    small = ("data=digits", "latent_dim=2", "max_samples=300", "logger=none", "evaluator=bound", "name=NAME")
    assert aevb("train", *small, folder=tmp_path).returncode == 0
    words = [line for line in commands("weights.md", "aevb-weights") if "--train" not in line]
    assert [line[0] for line in words] == ["pack", "list", "unpack"]
    for line in words:
        done = aevb("weights", *line, folder=tmp_path)
        assert done.returncode == 0, done.stderr
    assert aevb("status", "elsewhere/runs", folder=tmp_path).stdout.splitlines()[-1] == "1 done"


def test_the_yaml_of_the_decoder_names_parts_that_exist():
    (config,) = blocks("own-decoder.md", "yaml")
    for group, option in re.findall(r"- (prior|encoder): (\w+)", config):
        assert (CONF / "model" / group / f"{option}.yaml").is_file()
