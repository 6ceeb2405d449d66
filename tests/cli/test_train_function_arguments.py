"""The arguments of aevb.train: what is refused, modules and configs of one's own, and warnings."""

from pathlib import Path

import numpy as np
import pytest

import aevb
from aevb.errors import UserError
from helpers.python_runs import SMALL

pytestmark = [pytest.mark.process, pytest.mark.slow]


@pytest.mark.parametrize(
    ("overrides", "settings", "message"),
    [
        ((), {"latent_dims": 2}, "latent_dims=2: no such key; did you mean latent_dim"),
        ((), {"data": "digit"}, "data=digit: no such option; did you mean digits"),
        (("latent_dim=2,3",), {}, "several values; allowed: one; try: one call for each"),
        (
            ("experiment=demo",),
            {},
            "a sweep of several runs; allowed: a single run; try: aevb-train data=digits experiment=demo",
        ),
        (("-m",), {}, "-m: a sweep has several runs; allowed: a single run; try: a call of aevb.train for each run"),
        (("--check",), {}, "--check: no flags here; allowed: key=value; try: aevb-train --check, on a command line"),
        (("digits",), {}, "digits: not of the form key=value; allowed: overrides of aevb-train; try: 'data=digits'"),
        (("digit",), {}, "digit: not of the form key=value; allowed: overrides of aevb-train; try: 'latent_dim=2'"),
        ((np.zeros((30, 2)),), {}, "ndarray: not text; allowed: overrides of aevb-train"),
        ((), {"data": np.zeros((30, 2))}, "mappings of them; try: numpy.save('mine.npy', x), then data='array'"),
        (
            ({"latent_dim": 2},),
            {},
            "dict: not text; allowed: keys and values as arguments; try: aevb.train(**settings)",
        ),
        (
            (),
            {"model": Path},
            "model=Path: a class; allowed: its dotted name, as text; try: **{'model._target_': 'pathlib",
        ),
        (
            (),
            {"objective._target_": Path},
            "objective._target_=Path: a class; allowed: its dotted name, as text; try: **{'",
        ),
        ((), {"latent_dim": 0}, "latent_dim=0: out of range; allowed: an integer >= 1"),
        ((), {"batch_size": 10_000}, "batch_size=10000: more than there are training data"),
    ],
)
def test_a_refusal_is_one_line_and_leaves_nothing(overrides, settings, message, tmp_path):
    with pytest.raises(UserError) as refusal:
        aevb.train("data=digits", *overrides, output_dir=tmp_path / "outputs", **settings)
    assert message in str(refusal.value)
    assert len(str(refusal.value).splitlines()) == 1
    assert not (tmp_path / "outputs").exists()


def test_a_module_of_ones_own_needs_trust(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    source = "from aevb.objectives.sgvb_b import SGVB_B\n\nclass Mine(SGVB_B):\n    pass\n"
    (tmp_path / "my_objective.py").write_text(source)
    settings = {**SMALL, "objective._target_": "my_objective.Mine", "name": "mine"}
    with pytest.raises(
        UserError, match=r"not a target that a config may name; .*, or trusted=\(\"MODULE\",\) in Python"
    ):
        aevb.train(**settings, progress=False)
    run = aevb.train(**settings, trusted=("my_objective",), progress=False)
    assert run.settings["objective"]["_target_"] == "my_objective.Mine"


def _optimizer_of_ones_own(folder: Path, lr: float) -> None:
    (folder / "optimizer").mkdir(parents=True, exist_ok=True)
    (folder / "optimizer" / "mine.yaml").write_text(f"defaults:\n  - adam\n  - _self_\n\nlr: {lr}\n")


@pytest.mark.parametrize("kind", [str, Path])
def test_a_folder_of_ones_own_configs_is_searched(kind, tmp_path):
    _optimizer_of_ones_own(tmp_path / "conf", 0.002)
    settings = {**SMALL, "optimizer": "mine", "output_dir": tmp_path, "config_dir": kind(tmp_path / "conf")}
    del settings["hidden_dim"]  # a name without a hash: nothing differs from the defaults of the options
    run = aevb.train(**settings, progress=False)
    assert (run.name, run.config.optimizer.lr) == ("digits-sgvb_b-mine-z2-s0", 0.002)
    assert f"--config-dir={tmp_path / 'conf'}" in (run.directory / "manifest.json").read_text()
    _optimizer_of_ones_own(tmp_path / "conf", 0.003)  # as between two cells
    again = aevb.train(**settings, seed=1, progress=False)
    assert (again.name, again.config.optimizer.lr) == ("digits-sgvb_b-mine-z2-s1", 0.003)


@pytest.mark.parametrize(
    ("words", "config_dir", "message"),
    [
        ((), "nowhere", "nowhere: no such folder; allowed: a folder of YAML files"),
        ((), 5, "config_dir=5: no path; allowed: a folder of YAML files; try: config_dir='conf'"),
        (
            ("--config-dir=conf",),
            None,
            "--config-dir=conf: a flag of the command line; allowed: key=value; try: config_dir=",
        ),
    ],
)
def test_what_is_no_folder_of_configs_is_refused(words, config_dir, message):
    with pytest.raises(UserError) as refusal:
        aevb.train(*words, **SMALL, config_dir=config_dir)
    assert message in str(refusal.value)
    assert ("--config-dir" in str(refusal.value)) == bool(words)


def test_text_is_one_trusted_module(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_model.py").write_text("from aevb.models.vae import VAE\n\nclass Mine(VAE):\n    pass\n")
    settings = {**SMALL, "model._target_": "my_model.Mine", "name": "mine"}
    run = aevb.train(**settings, trusted=("my_model"), progress=False)  # the comma is forgotten
    assert type(aevb.load(run.directory, trusted="my_model").model).__name__ == "Mine"


@pytest.mark.parametrize(
    ("module", "message"),
    [
        ("no_such_module", 'trusted=("no_such_module",): no such module'),
        ("my-module", 'trusted=("my-module",): not the name of a module'),
    ],
)
def test_a_module_that_cannot_be_trusted_is_named_as_in_python(module, message):
    with pytest.raises(UserError) as refusal:
        aevb.train(**SMALL, trusted=module)
    wrong, _, remedy = str(refusal.value).split("; ")
    assert (wrong, remedy) == (message, 'try: trusted=("mypkg",)')


def test_a_warning_of_the_command_is_a_warning_of_python(tmp_path):
    with pytest.warns(UserWarning, match="max_samples=300: within the optimizer's warm-up") as caught:
        aevb.train(**{**SMALL, "optimizer": "adagrad"}, output_dir=tmp_path, progress=False)
    assert caught[0].filename == __file__


def test_a_warning_about_the_data_points_to_the_caller(tmp_path):
    with pytest.warns(UserWarning, match=r"^data: 3 of 64 pixels are constant") as caught:
        aevb.train(**{**SMALL, "model": "gaussian"}, output_dir=tmp_path, progress=False)
    assert {warning.filename for warning in caught} == {__file__}
