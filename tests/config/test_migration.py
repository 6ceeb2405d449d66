"""Runs of older versions keep their fingerprints, names and records under the present names."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from aevb.cli.composition import hydra_session
from aevb.cli.job import JobContext
from aevb.config import ConfigError, fingerprint, run_name, validate
from aevb.config.identity import IN_THE_NAME
from aevb.config.migration import (
    ADDED_TARGETS,
    RENAMED_KEYS,
    RENAMED_TARGETS,
    _copy,
    first_names,
    renamed_key,
    upgrade,
    upgrade_record,
)
from aevb.config.signature import signature
from aevb.runs import Run, read_settings
from helpers.commands import REPOSITORY

NAMES = st.sampled_from(
    ["trainer", "products", "threads", "data", "a.b", "_target_", "first", "evaluator", "ais", "rows"]
)
LEAVES = st.sampled_from([1, 1.0, True, None, "text", {}, [1, {"products": 1}], "aevb.data.tensor.Tensor"])
NODES = st.recursive(
    st.dictionaries(NAMES, LEAVES, max_size=3),
    lambda inner: st.dictionaries(NAMES | st.integers(0, 1), LEAVES | inner, max_size=3),
    max_leaves=4,
).map(lambda settings: {str(name): value for name, value in settings.items() if name != "trainer"})
COMMITTED = sorted(path.parent for path in (REPOSITORY / "results" / "runs").glob("*/DONE"))


def test_fingerprints_of_the_committed_runs_are_unchanged() -> None:
    assert len(COMMITTED) > 100
    changed = [
        run.name
        for run in COMMITTED
        if fingerprint(read_settings(run)) != json.loads((run / "DONE").read_text())["fingerprint"]
    ]
    assert changed == []


def test_committed_runs_are_read_under_present_names() -> None:
    old = [key for key in RENAMED_KEYS if "*" not in key]
    left = []
    for run in COMMITTED:
        text = (run / "config.yaml").read_text()
        settings = read_settings(run)
        flat = json.dumps(settings)
        left += [f"{run.name}: {target}" for target in RENAMED_TARGETS if target in flat]
        for key in old:
            group, _, name = key.partition(".")
            if f"\n  {name}:" in text:
                left += [f"{run.name}: {key}"] if name in settings.get(group, {}) else []
    assert left == []


def test_present_targets_exist() -> None:
    missing = [new for new in RENAMED_TARGETS.values() if signature(new) is None]
    assert missing == []


def test_keys_are_renamed_with_what_lies_below_them() -> None:
    table = {"a.*.rows": "a.*.batch_size", "old": "new.place"}
    assert renamed_key("a.importance.rows", table) == "a.importance.batch_size"
    assert renamed_key("old.x.y", table) == "new.place.x.y"
    assert renamed_key("older", table) == "older"


def test_upgrade_and_first_names_are_inverse() -> None:
    old = {"trainer": {"products": "auto", "threads": 1}, "logger": {"_target_": "aevb.training.recorder.Recorder"}}
    new = upgrade(old)
    assert new["trainer"] == {"matmul_backend": "auto", "threads": 1}
    assert new["logger"]["_target_"] == "aevb.loggers.base.RunLogger"
    flat = {"trainer.matmul_backend": "auto", "logger._target_": "aevb.loggers.base.RunLogger"}
    assert first_names(flat) == {"trainer.products": "auto", "logger._target_": "aevb.training.recorder.Recorder"}


@given(NODES)
def test_settings_without_old_names_are_those_of_a_copy(settings: dict[str, Any]) -> None:
    copied: dict[str, Any] = {}
    _copy(settings, "", {"": copied})
    before = repr(settings)
    assert repr(upgrade(settings)) == repr(copied)
    assert repr(settings) == before


def test_an_added_target_leaves_the_settings_that_were_read_as_they_are() -> None:
    settings: dict[str, Any] = {"trainer": {"threads": 1}, "evaluation": {"start": 1}}
    assert upgrade(settings)["evaluation"] == {"start": 1, "_target_": ADDED_TARGETS["evaluation"]}
    assert settings == {"trainer": {"threads": 1}, "evaluation": {"start": 1}}


def test_fields_of_records_are_renamed() -> None:
    assert upgrade_record({"trials": [{"stepsize": 0.1}]}) == {"trials": [{"learning_rate": 0.1}]}
    with_selection = [run for run in COMMITTED if (run / "stepsizes.json").is_file()]
    assert with_selection
    assert all("learning_rate" in Run(run).done for run in with_selection)


def test_names_of_the_committed_runs_are_unchanged() -> None:
    changed = []
    with hydra_session():
        for run in COMMITTED:
            settings = {**read_settings(run), "name": None}
            context = JobContext((), False, settings["choices"], "train")
            short = {key: settings[key] for key in ("latent_dim", "seed")}
            name = run_name(settings, context.defaults(IN_THE_NAME, **short))
            changed += [f"{run.name}: {name}"] if name != run.name else []
    assert changed == []


def test_committed_runs_validate_under_the_present_schema() -> None:
    faults = {}
    for run in COMMITTED:
        try:
            validate({**read_settings(run)})
        except ConfigError as error:
            faults[run.name] = error.faults
    assert faults == {}
