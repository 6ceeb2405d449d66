"""What is said of a word that Hydra refuses: the key or option that was meant."""

import re
from pathlib import Path

import pytest
from hydra.errors import HydraException

from aevb.cli.composition import hydra_session
from aevb.cli.hydra_errors import explain
from aevb.cli.sweep import compose_master
from helpers.commands import aevb
from helpers.messages import message


@pytest.mark.parametrize("word", ["trainer.device=cuda", "+trainer.device=cuda", "trainer.accelerator=cuda"])
def test_the_name_that_torch_has_for_a_gpu(word: str) -> None:
    assert (message([word]) or "").endswith("; try: trainer.accelerator=gpu")


@pytest.mark.parametrize(
    ("word", "answer"),
    [
        ("data=mine.npz", "data=mine.npz: a path; .*; try: data=array data.path=mine.npz"),
        ("data=pictures/", "data=pictures/: a path; .*; try: data=array data.path=pictures/"),
        ("data=faces", "data=faces: a path; .*; try: data=array data.path=faces"),
        ("data=a b.npy", "data=a b.npy: a path; .*; try: data=array 'data.path=a b.npy'"),
        ("mine.csv", "mine.csv: not of the form key=value; .*; try: data=array data.path=mine.csv"),
        ("faces", "faces: not of the form key=value; .*; try: data=array data.path=faces"),
        ("digits", "digits: not of the form key=value; .*; try: data=digits"),
        ("a-run", "a-run: not of the form key=value; .*; try: aevb-train --help"),
        ("data=csv", "data=csv: no such option; did you mean array.; .*; try: data=array"),
    ],
)
def test_a_path_of_data_is_answered_with_its_key(
    word: str, answer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("faces", "digits", "a-run"):
        (tmp_path / name).mkdir()
    (tmp_path / "a-run" / "config.yaml").touch()
    assert re.fullmatch(answer, message([word]) or "")


@pytest.mark.parametrize(
    ("line", "remedy"),
    [
        ("latent_dim 5", "latent_dim=5"),
        ("latent_dim five", "latent_dim=20"),  # the value that it has
        ("seed", "seed=0"),
        ("clip_norm 1", "clip_norm=1"),  # null by default
        ("objective iwae", "objective=iwae"),
        ("objective", "aevb-train --help"),
        ("help", "aevb-train --help"),
        ("importance]", "'key=[a,b]' for a list"),
    ],
)
def test_a_word_without_an_equals_sign_is_answered_with_what_was_meant(line: str, remedy: str) -> None:
    assert (message(line.split()) or "").rpartition("; try: ")[2] == remedy


def test_a_key_as_scikit_learn_writes_it_is_answered_with_its_dot() -> None:
    assert (message(["optimizer__lr=0.1"]) or "").endswith("; try: optimizer.lr=0.1")


def test_evaluate_knows_its_old_key() -> None:
    assert message(["run=x", "first=9"], "evaluate") == "first=9: renamed; try: num_images=9"


@pytest.mark.parametrize("key", ["data.path", "data.root"])
def test_evaluate_names_data_by_data_root(key: str) -> None:
    line = "data of the run that have moved are named by data_root; try: data_root=mine.npz"
    assert message(["run=x", f"{key}=mine.npz"], "evaluate") == f"{key}=mine.npz: {line}"


@pytest.mark.parametrize("word", ["model=gaussian", "data=mnist", "model=nothing_like_it"])
@pytest.mark.parametrize(("root", "keys"), [("evaluate", "evaluator, run, weights, "), ("figure", "figure, runs, ")])
def test_a_group_of_the_run_is_no_key_of_other_commands(root: str, keys: str, word: str) -> None:
    text = message(["run=x", word] if root == "evaluate" else [word], root) or ""
    begin = f"{word}: not a key of aevb-{root}: the config of a run has it; allowed: {keys}"
    assert text.startswith(begin)
    assert text.endswith(f"; try: aevb-{root} --help")


def test_a_figure_is_drawn_by_another_command() -> None:
    line = "figure=figure2: not a key of aevb-train; allowed: as a key of aevb-figure; try: aevb-figure figure=figure2"
    assert message(["figure=figure2"]) == line
    assert message(["figure=figure2"], "figure") is None


@pytest.mark.parametrize("word", ["~evaluator", "~evaluator=bound"])
def test_evaluators_are_replaced_and_not_deleted(word: str) -> None:
    text = message([word]) or ""
    assert text.startswith("~evaluator: a list of options")
    assert text.endswith("; try: 'evaluator=[]'")
    assert message(["evaluator=[]"]) is None


def test_a_run_of_null_is_answered_as_a_missing_one() -> None:
    assert (message(["run=null"], "evaluate") or "").endswith("; try: run=outputs/runs/NAME (aevb-train makes them)")


def test_a_name_of_the_own_group_is_preferred() -> None:
    text = message(["evaluator.bdmc.samples=2"]) or ""
    assert "did you mean evaluator.bound.samples?" in text
    assert text.endswith("; try: evaluator.bound.samples=2")
    assert message(["evaluator.bound.samples=2"]) is None


def test_an_option_as_a_value_in_a_users_experiment_is_answered_with_defaults(tmp_path: Path) -> None:
    (tmp_path / "experiment").mkdir()
    folder = f"hydra.searchpath=[file://{tmp_path}]"
    (tmp_path / "experiment" / "mine.yaml").write_text("# @package _global_\nlogger: none\n")
    text = message([folder, "experiment=mine"]) or ""
    assert text.startswith("logger=none: the name of an option, which only defaults take; allowed: ")
    assert text.endswith("; try: in a YAML: defaults: [override /logger: none]")
    mended = "# @package _global_\ndefaults: [override /logger: none]\n"
    (tmp_path / "experiment" / "mended.yaml").write_text(mended)
    assert message([folder, "experiment=mended"]) is None


def test_a_path_of_data_without_own_data_names_them() -> None:
    line = "only your own data have a path; try: data=array data.path=x.npz"
    assert message(["data.path=x.npz"]) == f"data.path=x.npz: {line}"
    assert "data.path=x.npz" not in (message(["data=array", "data.path=x.npz"]) or "")


def test_old_keys_in_a_users_experiment_are_named(tmp_path: Path) -> None:
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "mine.yaml").write_text(
        "# @package _global_\ntrainer: {first: 10, clip_norm: 2}\nevaluator: {importance: {rows: 7}}\n"
    )
    text = message([f"hydra.searchpath=[file://{tmp_path}]", "experiment=mine"]) or ""
    assert sorted(text.splitlines()) == [
        "evaluator.importance.rows=7: renamed; try: evaluator.importance.batch_size=7",
        "trainer.clip_norm=2: renamed; try: clip_norm=2",
        "trainer.first=10: renamed; try: evaluation.num_images=10",
    ]


@pytest.mark.process
@pytest.mark.parametrize("points", ["latent_dim=3,3", "optimizer.lr=0.01,1e-2"])
def test_a_point_of_a_sweep_that_is_there_twice_is_refused(points: str, tmp_path: Path) -> None:
    result = aevb("train", "-m", points, "data=digits", "--check", folder=tmp_path)
    first, last = result.stderr.splitlines()
    assert result.returncode == 2
    assert "is a point of the sweep twice" in first
    assert "1 of the sweep's 2 jobs refused" in last


@pytest.mark.parametrize(
    ("word", "line"),
    [
        ("=3", "=3: no key before the equals sign; allowed: key=value; try: aevb-train --help"),
        ("=", "=: no key before the equals sign; allowed: key=value; try: aevb-train --help"),
        (
            'latent_dim="${"',
            "latent_dim=\"${\": not an interpolation that can be read; allowed: ${KEY}; try: 'latent_dim=${seed}'",
        ),
    ],
)
def test_what_hydra_cannot_name_is_one_line_with_a_remedy(word: str, line: str) -> None:
    with hydra_session() as application, pytest.raises((HydraException, ValueError)) as error:
        compose_master(application, "train", [word])
    assert explain(error.value, "train", [word]) == line


def test_a_path_with_a_comma_is_offered_in_quotes() -> None:
    error = HydraException("Ambiguous value for argument 'run=my runs, old/a run'")
    message = explain(error, "evaluate", ["run=my runs, old/a run"])
    assert (
        """, or 'run=[my runs, old/a run]' for a list, or 'run="my runs, old/a run"' for one path with a comma"""
        in message
    )


@pytest.mark.parametrize(
    ("folder", "word", "answer"),
    [
        (
            "mine",
            "model=dep",
            r"model=dep: no such option; did you mean deep\?; allowed: .*, deep, .*; try: model=deep",
        ),
        ("mine", "data=csv", r"data=csv: no such option; did you mean array\?; .*; try: data=array"),
        (
            "mine/model",
            "model=deep",
            r"--config-dir=/.*/mine/model: .* has model/deep\.yaml; try: --config-dir=/.*/mine",
        ),
        (None, "model=deep", "model=deep: not searched for in conf; .*; try: --config-dir=conf"),
        (None, "model=dep", "model=dep: no such option; allowed: (?!.*deep).*; try: model=bernoulli"),
    ],
)
def test_options_of_the_users_own_folder_are_known_to_the_message(
    folder: str | None, word: str, answer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("mine", "conf"):
        (tmp_path / name / "model").mkdir(parents=True)
        (tmp_path / name / "model" / "deep.yaml").touch()
    monkeypatch.chdir(tmp_path)
    with hydra_session(folder) as application, pytest.raises(HydraException) as error:
        compose_master(application, "train", [word])
    assert re.fullmatch(answer, explain(error.value, "train", [word]))
