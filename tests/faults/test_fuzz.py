"""Everything that parses what others wrote, against made-up input: it is read, or refused in one line.

The inputs are derived from the tests (derandomize), so a failure comes again. Each input is either noise, or something valid
of which some bytes or values were changed, which comes further. Values of a config are fuzzed in tests/config/test_value_types.py.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aevb.cli.hydra_errors import explain
from aevb.cli.overrides import literal_path
from aevb.cli.sweep import compose_master
from aevb.cli.user_errors import is_user_error
from aevb.config import validate
from aevb.config.yaml_file import parse_yaml
from aevb.console.printable import printable
from aevb.errors import UserError
from aevb.loggers.event_files import keep_events
from aevb.report.images import read_images
from aevb.runs import csv_table, layout, records
from aevb.runs.evaluation_record import read_evaluation
from aevb.runs.progress import load_progress
from aevb.runs.settings import read_settings
from aevb.runs.status import row
from helpers.commands import composed
from helpers.commands import settings as settings_of
from helpers.fuzzing import CHANGES, CUT, TEXT, VALUES, changed, fuzz, outcome, paths, replaced

pytestmark = [pytest.mark.long, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


CONFIG = settings_of("data=digits", "latent_dim=2", "max_samples=300")


@fuzz(300)
@given(st.sampled_from(paths(CONFIG)), VALUES)
@pytest.mark.fault("any value in the config of a run is replaced by any other", "read, or refused with one line")
def test_a_config_with_another_value(folder: Path, path: tuple[Any, ...], value: Any) -> None:
    run = folder / "config"
    run.mkdir(exist_ok=True)
    (run / layout.CONFIG).write_text(json.dumps(replaced(CONFIG, path, value)), encoding="utf-8")
    outcome(lambda: validate(read_settings(run)))
    row(run)


@fuzz(400)
@given(st.binary(max_size=200) | st.text(alphabet="ab:-[]{}&*!|>'\"#%@`,? \n\t\\0129.~", max_size=80).map(str.encode))
@example(b"a: !!binary x")
@example(b"? {a: b}\n: c")
@example(b"1: {2: [3]}")
@example(b"<<: [a]")
def test_any_bytes_as_a_config(folder: Path, raw: bytes) -> None:
    run = folder / "bytes"
    run.mkdir(exist_ok=True)
    (run / layout.CONFIG).write_bytes(raw)
    assert outcome(lambda: read_settings(run))
    row(run)


@fuzz(200)
@given(CHANGES, CUT)
def test_a_config_with_other_bytes(folder: Path, changes: list[tuple[float, int]], cut: float) -> None:
    run = folder / "changed"
    run.mkdir(exist_ok=True)
    (run / layout.CONFIG).write_bytes(changed(json.dumps(CONFIG, indent=1).encode(), changes, cut))
    outcome(lambda: validate(read_settings(run)))


RECORDS: dict[str, tuple[Callable[[Path], Any], dict[str, Any]]] = {
    layout.DONE: (
        records.read_done,
        {
            "samples_seen": 300,
            "shape": [8, 8],
            "targets": "grey/16",
            "fingerprint": "0" * 64,
            "training_seconds": 1.5,
            "learning_rate": 0.1,
            "test": {"bound": {"mean": -1.0, "standard_error": 0.1}},
            "config": {"sha256": "0", "settings": {}},
        },
    ),
    layout.MANIFEST: (
        records.read_manifest,
        {"fingerprint": "0", "versions": {"torch": "2"}, "starts": [{"host": "a"}]},
    ),
    layout.DATA: (records.read_data_hashes, {"train": "0", "test": "1", "location": {"path": "/a"}}),
    layout.PROGRESS: (load_progress, {"samples_seen": 10, "samples_saved": 0, "bound": -1.0, "rate": 5.0}),
    layout.LEARNING_RATES: (
        lambda run: records.read_learning_rates(run / layout.LEARNING_RATES),
        {"samples": 5, "trials": [{"learning_rate": 0.1, "train_bound": -3.0}], "selected": 0.1},
    ),
    "evaluation.json": (
        lambda run: read_evaluation(run / "evaluation.json"),
        {"name": "bound", "split": "test", "n": 3, "mean": -1.0, "values": {"kl": {"mean": 1, "standard_error": 2}}},
    ),
}


@pytest.mark.parametrize("name", RECORDS)
@pytest.mark.fault(
    "any value in a JSON record is replaced by any other, or by any bytes", "read, or refused with one line"
)
def test_records(name: str, folder: Path) -> None:
    read, good = RECORDS[name]
    path = folder / name

    @fuzz(250)
    @given(st.sampled_from(paths(good)), VALUES)
    def with_another_value(where: tuple[Any, ...], value: Any) -> None:
        path.write_text(json.dumps(replaced(good, where, value)), encoding="utf-8")
        outcome(lambda: read(folder))

    @fuzz(250)
    @given(st.binary(max_size=100) | VALUES.map(lambda value: json.dumps(value).encode()))
    def with_any_bytes(raw: bytes) -> None:
        path.write_bytes(raw)
        outcome(lambda: read(folder))

    for where in paths(good):
        with_another_value.hypothesis.inner_test(where, 10**400)  # an integer that no float holds
    with_another_value()
    with_any_bytes()
    path.unlink()


CELLS = (
    st.sampled_from(["", "1", "-1", "nan", "inf", "1e400", "1_000", "٣", " 5", "0x10", '"', "a,b", "9" * 5000]) | TEXT
)


@fuzz(400)
@given(st.lists(st.lists(CELLS, max_size=4), max_size=5), st.booleans())
@pytest.mark.fault("any table as metrics.csv", "read, or refused with one line")
def test_tables(folder: Path, lines: list[list[str]], has_header: bool) -> None:
    header = ["samples_seen,train_bound,test_bound"] if has_header else []
    path = folder / "table.csv"
    path.write_text("\n".join([*header, *map(",".join, lines)]), encoding="utf-8", errors="surrogateescape")
    outcome(lambda: csv_table.columns(path))


def event_file(folder: Path) -> bytes:
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(folder)) as writer:
        writer.add_scalar("a", 1.0, 5)
        writer.add_image("b", np.zeros((3, 4, 4), np.uint8), 5)
    (path,) = folder.glob("events.*")
    raw = path.read_bytes()
    path.unlink()
    return raw


@pytest.mark.fault(
    "a TensorBoard event file is changed in any way", "what can be read is kept; the rest is skipped or reported"
)
def test_event_files(folder: Path) -> None:
    run = folder / "events"
    events = run / layout.TENSORBOARD
    events.mkdir(parents=True)
    raw, path = event_file(events), events / "events.out.tfevents.1"

    @fuzz(200)
    @given(CHANGES, CUT)
    def other_bytes(changes: list[tuple[float, int]], cut: float) -> None:
        path.write_bytes(changed(raw, changes, cut))
        read_images(run, 6)
        outcome(lambda: keep_events(events, lambda step, tag: step < 10))

    other_bytes()


KEYS = st.sampled_from(
    ["latent_dim", "data", "model", "seed", "optimizer.lr", "hydra.job.name", "+new", "~model", "name", "a.b"]
)
WORDS = st.sampled_from(
    ["1", "1e-2", "null", "[1,2]", "{a:1}", "range(0,2)", "choice(1,2)", "${seed}", "${oc.env:HOME}", "'a b'"]
)
OVERRIDES = st.tuples(KEYS, WORDS | st.text(alphabet="abc019[]{}()$:,.'\"\\~ +-é", max_size=12)).map("=".join) | TEXT


@fuzz(80)
@given(OVERRIDES)
@example("seed=range(0,2),1")
@example("a=~/")
@example("model=1")
@pytest.mark.fault("any text as an override", "accepted, or refused with one line of printable characters")
def test_overrides(text: str) -> None:
    words = [literal_path(text)] if outcome(lambda: literal_path(text)) == "" else []
    try:
        validate(composed(*words))
    except UserError as error:
        line = str(error)
    except Exception as error:
        if not is_user_error(error):
            raise
        line = explain(error, "train", words)
    else:
        return
    assert line
    assert all(printable(part).isprintable() for part in line.splitlines())


@fuzz(300)
@given(st.text(alphabet="ab[]{}(),=range choice", max_size=30))
def test_sweeps_within_sweeps(text: str) -> None:
    class Application:
        def compose_config(self, *rest: object, **more: object) -> str:
            return "composed"

    outcome(lambda: compose_master(Application(), "train", [f"seed={text}"]))  # type: ignore[arg-type]


@fuzz(200)
@given(st.text(alphabet="ab:-[]{}&*!|>'\"#,? \n019.", max_size=60))
def test_yaml_is_bounded(text: str) -> None:
    from yaml import YAMLError

    try:
        parse_yaml(text)
    except (YAMLError, ValueError):
        return
