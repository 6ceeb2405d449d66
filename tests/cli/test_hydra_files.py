"""Config files from elsewhere are data where Hydra reads them: real commands, each of which would leave a canary."""

import subprocess
from pathlib import Path

import pytest

from helpers.commands import TINY, aevb

# A StreamHandler until the place of the output is known, then a process.
HANDLER = (
    "handlers: {h: {class: '${oc.select:\"m[${oc.select:hydra.runtime.output_dir,none}]\",logging.StreamHandler}', "
    "args: 'touch canary', shell: true}}, root: {handlers: [h]}"
)


def warnings_for(
    tmp_path: Path, files: dict[str, str], *arguments: str, command: str = "train"
) -> subprocess.CompletedProcess[str]:
    """The refusal, after nothing beside the given files has been left."""
    for name, text in {"D/__init__.py": "open('canary', 'w')\n", "victim.log": "precious", **files}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("HERE", str(tmp_path)))
    before = {path.name for path in tmp_path.iterdir()}
    env = {"PYTHONPATH": ".", "AEVB_SECRET": "swordfish"}
    result = aevb(command, "--config-dir", "theirs", *arguments, folder=tmp_path, env=env)
    assert {path.name for path in tmp_path.iterdir()} - {"__pycache__"} == before
    assert (tmp_path / "victim.log").read_text() == "precious"
    assert "swordfish" not in result.stdout + result.stderr
    assert result.returncode == 2, result.stderr
    assert len(result.stderr.splitlines()) == 1
    return result


@pytest.mark.fault(
    "an untrusted config file that sets Hydra's logging, search path, plugins or output paths",
    "one line, exit code 2; nothing is run or written",
)
@pytest.mark.parametrize(
    ("text", "line", "more"),
    [
        (
            f"hydra: {{job_logging: {{version: 1, {HANDLER}}}}}\nm: {{HERE: subprocess.Popen}}",
            "hydra.job_logging.handlers.h.class=${oc.select:",
            ("--check",),
        ),
        ("hydra: {job: {name: ../victim}}", "hydra.job.name=../victim: no config file", ()),
        ("hydra: {sweeper: {params: {hydra.job.name: ../victim}}}", "hydra.sweeper.params.hydra.job.name=../", ("-m",)),
        ("hydra: {sweeper: {params: {output_dir: canary}}}", "hydra.sweeper.params.output_dir=canary", ("-m",)),
    ],
    ids=["handler", "job.name", "a point of a sweep", "a place of a sweep"],
)
def test_what_an_untrusted_file_may_not_set(text: str, line: str, more: tuple[str, ...], tmp_path: Path) -> None:
    files = {"theirs/experiment/x.yaml": f"# @package _global_\n{text}\n"}
    assert f"aevb-train: {line}" in warnings_for(tmp_path, files, "experiment=x", *TINY, *more).stderr


@pytest.mark.parametrize("more", [("--check",), ("--cfg", "job")], ids=["check", "cfg"])
def test_a_primary_config_imports_no_package(more: tuple[str, ...], tmp_path: Path) -> None:
    files = {"theirs/mine.yaml": "hydra: {searchpath: ['pkg://D']}\n"}
    result = warnings_for(tmp_path, files, "--config-name", "mine", *more)
    assert "hydra.searchpath=pkg://D: not a folder" in result.stderr


def test_the_evaluation_has_the_same_rule(tmp_path: Path) -> None:
    text = f"hydra: {{job_logging: {{version: 1, {HANDLER}}}}}\nm: {{HERE: subprocess.Popen}}"
    files = {"theirs/evaluator/x.yaml": f"# @package _global_\n{text}\n"}
    result = warnings_for(tmp_path, files, "evaluator=x", "run=nothing", command="evaluate")
    assert "hydra.job_logging.handlers.h.class=" in result.stderr


@pytest.mark.fault(
    "an untrusted config file that reads a secret from an environment variable",
    "one line that shows the unresolved text and not the secret",
)
@pytest.mark.parametrize("text", ["hydra: {job: {env_copy: [AEVB_SECRET]}}", "name: '${oc.env:AEVB_SECRET}/x'"])
def test_a_secret_is_not_shown(text: str, tmp_path: Path) -> None:
    files = {"theirs/experiment/x.yaml": f"# @package _global_\n{text}\n"}
    assert "AEVB_SECRET" in warnings_for(tmp_path, files, "experiment=x", *TINY).stderr


@pytest.mark.fault(
    "an untrusted folder with files in the place of Hydra's own groups",
    "refused with one line that names the group",
)
def test_an_untrusted_file_in_a_group_of_hydra(tmp_path: Path) -> None:
    files = {
        "theirs/hydra/callbacks/bad.yaml": "a: {_target_: os.mkdir, path: canary}\n",
        "theirs/experiment/x.yaml": "# @package _global_\ndefaults: [{override /hydra/callbacks: bad}]\n",
    }
    assert "hydra.callbacks.bad=" in warnings_for(tmp_path, files, "experiment=x", *TINY).stderr


def test_a_value_that_our_sweeper_takes_is_no_call(tmp_path: Path) -> None:
    text = "defaults: [paper]\npaper: {scale: {_target_: os.mkdir, path: canary}}"
    files = {"theirs/experiment/x.yaml": f"# @package _global_\n{text}\n"}
    assert "hydra.sweeper.max_samples._target_=os.mkdir" in warnings_for(tmp_path, files, "experiment=x").stderr
