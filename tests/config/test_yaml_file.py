"""parse_yaml against OmegaConf's own reader."""

from pathlib import Path

import pytest
import yaml
from omegaconf import OmegaConf

from aevb.config import CONF
from aevb.config.yaml_file import parse_yaml

RUNS = sorted((Path(__file__).parents[2] / "results" / "runs").glob("*/config.yaml"))


@pytest.mark.parametrize("path", [*RUNS[::10], *sorted(CONF.glob("*.yaml"))], ids=lambda path: path.parent.name)
def test_files_read_as_omegaconf_reads_them(path: Path) -> None:
    assert parse_yaml(path.read_text(encoding="utf-8")) == OmegaConf.to_container(OmegaConf.load(path), resolve=False)


@pytest.mark.parametrize(
    "value", ["1e-8", "1.0e-08", "5e6", "2026-01-02", ".inf", "on", "'1'", "${oc.env:HOME}", "~", "0x1f"]
)
def test_values_read_as_omegaconf_reads_them(value: str, tmp_path: Path) -> None:
    path = tmp_path / "one.yaml"
    path.write_text(f"key: {value}\n")
    expected = OmegaConf.to_container(OmegaConf.load(path), resolve=False)
    assert parse_yaml(path.read_text(encoding="utf-8")) == expected
    assert type(parse_yaml(path.read_text(encoding="utf-8"))["key"]) is type(expected["key"])


@pytest.mark.parametrize("text", ["a: 1\na: 2\n", "a: [1", "a: !!python/object/apply:os.getcwd []\n", "a: !!set {b}\n"])
def test_damaged_or_unsafe_files_are_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(yaml.YAMLError):
        parse_yaml(path.read_text(encoding="utf-8"))
