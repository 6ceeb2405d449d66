"""Python values as overrides: Hydra reads back what was given."""

from pathlib import Path

import numpy as np
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import QuotedString
from hypothesis import given, settings
from hypothesis import strategies as st

from aevb.cli.overrides import literal_path, override
from aevb.errors import UserError

texts = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner) | st.dictionaries(st.from_regex(r"[a-z]+", fullmatch=True), inner),
    max_leaves=20,  # Hydra's parser takes a second for a hundred
)


def read(text):
    return plain(OverridesParser.create().parse_override(text).value())


def plain(value):
    if isinstance(value, QuotedString):
        return value.text
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {plain(key): plain(item) for key, item in value.items()}
    return value


@settings(derandomize=True, deadline=None)
@given(values)
def test_hydra_reads_back_what_was_given(value):
    assert read(override("a.b", value)) == value


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("latent_dim", 2, "latent_dim=2"),
        ("max_samples", 1e6, "max_samples=1000000.0"),
        ("optimizer.lr", np.float64(0.02), "optimizer.lr=0.02"),
        ("seed", np.int64(3), "seed=3"),
        ("data", "digits", "data=digits"),
        ("name", "1", "name='1'"),
        ("name", "true", "name='true'"),
        ("name", None, "name=null"),
        ("report", False, "report=false"),
        ("output_dir", Path("/tmp/a b"), "output_dir='/tmp/a b'"),
        ("evaluator", ["bound", "ais"], "evaluator=[bound,ais]"),
        ("evaluation", {"every": 1000}, "evaluation={every:1000}"),
    ],
)
def test_examples(key, value, text):
    assert override(key, value) == text


@pytest.mark.parametrize(("key", "value"), [("a b", 1), ("-m", 1), ("latent_dim", object()), ("x", {1, 2})])
def test_what_no_override_can_be_is_refused(key, value):
    with pytest.raises(UserError, match="allowed"):
        override(key, value)


FOLDERS = ["ünï", "a[b]", "a,b", "a=b", "a b", "12", "a'b", 'a"b', "x;y", "[x]", "a,b c=ä[0]", "a\\b", "-x", "(", "a:b"]


@pytest.mark.fault(
    "umlauts, brackets, commas, equals signs or spaces in a path on the command line", "the path is used"
)
@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_that_exists_is_taken_literally(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).mkdir()
    for path in (name, str(tmp_path / name)):
        assert read(literal_path(f"run={path}")) == path
        assert read(literal_path(f"+output_dir={path}")) == path


@pytest.mark.parametrize("name", ["ünï", "a[b]", "a,b", "a=b", "a b", "a'b", "a:b"])
def test_a_run_of_an_archive_that_exists_is_taken_literally(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / f"{name}.zip").touch()
    for path in (f"{name}.zip:r", f"{tmp_path}/{name}.zip:r[1]"):
        assert read(literal_path(f"run={path}")) == path


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("output_dir=new ü", "new ü"),
        ("data.path=a=b.npz", "a=b.npz"),
        ("figure.data_root=new ü", "new ü"),
        ("run=[ü,a b]", ["ü", "a b"]),
        ("run=runs/[ab]*", "runs/[ab]*"),
        ("run=[a,b]", ["a", "b"]),
        ("run='a b'", "a b"),
        ("output_dir=null", None),
        ("latent_dim=[2,3]", [2, 3]),
    ],
)
def test_a_path_that_does_not_exist(typed, value, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert read(literal_path(typed)) == value


def test_a_sweep_over_paths_stays_a_sweep():
    for typed in ("init_from=a,b", "init_from=ü,b", "seed=a,b", "run=choice(a,b)"):
        assert OverridesParser.create().parse_override(literal_path(typed)).is_sweep_override(), typed
