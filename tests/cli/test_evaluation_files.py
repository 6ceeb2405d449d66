"""Two jobs of aevb-evaluate that would write the same file are refused before anything is evaluated."""

from pathlib import Path
from typing import Any

import pytest

from aevb.cli.evaluation_files import EvaluationFiles
from aevb.config.class_attributes import attribute, settings_in
from aevb.config.instantiate import instantiate
from aevb.config.tree import CONF, options, read_yaml
from aevb.errors import UserError
from helpers.commands import composed

DEFAULT: dict[str, Any] = {"run": "a", "weights": "final", "split": "test", "num_images": None, "output_dir": None}


def settings(evaluator: str = "importance", node: dict[str, Any] | None = None, **other: Any) -> dict[str, Any]:
    """A job with one evaluator of conf/, of which some settings are replaced."""
    default = read_yaml(CONF / "evaluator" / f"{evaluator}.yaml")
    return {
        **DEFAULT,
        "seed": 0,
        "evaluator": {name: {**one, **(node or {})} for name, one in default.items()},
        **other,
    }


def refusal(*jobs: dict[str, Any]) -> str:
    """The message about the last job."""
    files = EvaluationFiles()
    *before, last = jobs
    for job in before:
        files.add(job)
    with pytest.raises(UserError) as error:
        files.add(last)
    return str(error.value)


def accepted(*jobs: dict[str, Any]) -> bool:
    files = EvaluationFiles()
    for job in jobs:
        files.add(job)
    return True


def test_a_setting_that_is_not_in_the_name_is_refused() -> None:
    message = refusal(settings(node={"batch_size": 100}), settings(node={"batch_size": 200}))
    assert message.startswith("evaluator.importance.batch_size=200: would replace the files of ")
    assert message.endswith("try: 'output_dir=outputs/batch_size${evaluator.importance.batch_size}'")


def test_the_draws_of_a_bound_are_not_in_the_name() -> None:
    message = refusal(settings("bound"), settings("bound", {"samples": 10}))
    assert message.startswith("evaluator.bound.samples=10: would replace the files of evaluator.bound.samples=1,")


def test_a_setting_in_the_name_makes_another_file() -> None:
    assert accepted(settings(node={"samples": 50}), settings(node={"samples": 500}))


def test_another_run_split_folder_or_number_of_images_makes_another_file() -> None:
    jobs = [settings(), settings(run="b"), settings(split="valid"), settings(num_images=5), settings(output_dir="o")]
    assert accepted(*jobs, settings(weights="best"), settings("bound"))


def test_the_same_job_twice_is_refused() -> None:
    assert refusal(settings(), settings()).startswith("seed=0: would replace the files of seed=0")


def test_lists_of_runs_that_overlap_are_refused(tmp_path: Path) -> None:
    message = refusal(settings(run=["a", "b"]), settings(run=["b", "c"]))
    assert message == (
        "run=[b,c]: would replace files of run=[a,b]; allowed: one job for each file; try: 'run=[a,b,c]', without -m"
    )
    message = refusal(settings(), settings(split=["test", "valid"]))
    assert message.startswith("split=[test,valid]: would replace files of split=test;")


@pytest.mark.parametrize("name", options("evaluator"))
def test_the_settings_in_a_name_are_those_that_change_the_suffix(name: str) -> None:
    """What is read from the source is what the evaluator does: another value changes the suffix if it is in the name."""
    for node in composed(f"evaluator={name}")["evaluator"].values():
        evaluator = instantiate(dict(node))
        assert attribute(node["_target_"], "name") == evaluator.name
        keys = set(node) - {"_target_"}
        changes = {key for key in keys if instantiate({**node, key: _another(node[key])}).suffix != evaluator.suffix}
        assert changes == settings_in(node["_target_"], "suffix")


def _another(value: object) -> object:
    """A value that the setting may have too."""
    if isinstance(value, str):
        return "encoder"
    if isinstance(value, float):
        return 2 * value or 0.5
    return 0.5 if value is None else 2 * int(str(value)) or 1
