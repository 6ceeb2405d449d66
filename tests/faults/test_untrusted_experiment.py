"""Experiments of somebody else: what a config file may not ask of Hydra, with payloads that would leave a file `proof`."""

from pathlib import Path

import hydra
import pytest

import aevb.cli.hydra_app
from aevb.config import CONF
from aevb.errors import UserError
from helpers.commands import TINY, aevb

HYDRA_PAYLOADS = [
    "callbacks: {a: {_target_: os.mkdir, path: proof}}",
    "callbacks: {a: {_target_: pathlib.Path.touch, self: proof}}",
    "callbacks: '${payload}'",
    "launcher: {_target_: os.mkdir}",
    "sweeper: {_target_: os.mkdir}",
    "sweeper: {_target_: '${payload.a._target_}'}",
    "job_logging: {handlers: {h: {'()': os.mkdir, path: proof}}}",
    "job_logging: {handlers: '${payload}'}",
    "job_logging: {handlers: {h: {class: os.mkdir, path: proof}}}",
    "job_logging: {handlers: {h: {class: logging.FileHandler, filename: proof}}}",
    "job_logging: {handlers: {h: {class: logging.FileHandler, filename: '${oc.env:HOME}/proof'}}}",
    "hydra_logging: {filters: {f: {'()': os.mkdir, path: proof}}}",
    "hydra_logging: {handlers: {h: {class: logging.StreamHandler, stream: 'ext://antigravity'}}}",
    "hydra_logging: {handlers: {h: '${payload.${hydra.job.num}}'}}",
    "job: {env_set: {PYTHONPATH: elsewhere}}",
]


@pytest.mark.fault(
    "an untrusted config that sets Hydra's callbacks, launchers, log handlers or environment variables",
    "refused when the config is composed",
)
@pytest.mark.parametrize("payload", HYDRA_PAYLOADS)
def test_what_a_config_may_not_ask_of_hydra(payload: str, tmp_path: Path, monkeypatch) -> None:
    folder = tmp_path / "theirs" / "experiment"
    folder.mkdir(parents=True)
    more = "payload: {a: {_target_: os.mkdir, path: proof}, '()': os.mkdir}"
    (folder / "x.yaml").write_text(f"# @package _global_\nhydra: {{{payload}}}\n{more}\n")
    monkeypatch.chdir(tmp_path)
    overrides = [f"hydra.searchpath=[file://{tmp_path}/theirs]", "experiment=x"]
    with (
        hydra.initialize_config_dir(str(CONF), version_base="1.3"),
        pytest.raises(UserError, match=r"^hydra\.") as error,
    ):
        hydra.compose("train", overrides)
    assert "\n" not in str(error.value)
    assert [path.name for path in tmp_path.iterdir()] == ["theirs"]


@pytest.mark.fault(
    "an untrusted experiment (`--config-dir`) that calls a function or chooses an output path",
    "one line, exit code 2; nothing is written",
)
@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("hydra: {callbacks: {a: {_target_: os.mkdir, path: proof}}}", "hydra.callbacks.a._target_=os.mkdir: no config"),
        (
            "hydra: {job_logging: {version: 1, handlers: {h: {'()': os.mkdir, path: proof}}, root: {handlers: [h]}}}",
            "hydra.job_logging.handlers.h.()=os.mkdir: no config",
        ),
        ("output_dir: ../elsewhere", "output_dir=../elsewhere: a place to write that a config has chosen; allowed: outputs"),
        ("hydra: {run: {dir: proof}}", "hydra.run.dir=proof: no config file may ask that of Hydra; allowed: mode"),
    ],
)  # fmt: skip
def test_an_untrusted_experiment(text: str, line: str, tmp_path: Path) -> None:
    folder = tmp_path / "theirs" / "experiment"
    folder.mkdir(parents=True)
    (folder / "x.yaml").write_text(f"# @package _global_\n{text}\n")
    result = aevb("train", "--config-dir", "theirs", "experiment=x", *TINY, folder=tmp_path)
    assert result.returncode == 2
    (error,) = result.stderr.splitlines()
    assert error.startswith(f"aevb-train: {line}")
    assert [path.name for path in tmp_path.iterdir()] == ["theirs"]
