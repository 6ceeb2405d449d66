"""A finished run in Python: curves, evaluations, and its picture in a notebook."""

import base64
import inspect
import io
import json
import pydoc
import re
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser

import numpy as np
import pytest
import torch
from PIL import Image

import aevb
from aevb.api.table import table
from aevb.errors import UserError
from aevb.evaluators.checks import RESERVED
from aevb.files.atomic import write_json
from aevb.runs.run import sha256_of_model
from helpers.figure_runs import plant, plant_model

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    directory = plant_model(tmp_path_factory.mktemp("runs"), "data=digits", "latent_dim=2")
    return aevb.load(directory)


class Tags(HTMLParser):
    """Every element of a document, and whether each one that was opened was closed."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open = [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in ("img", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_metrics_are_those_of_the_file(run):
    frame = run.metrics()
    assert list(frame["samples_seen"]) == [100, 1000]
    assert list(frame["train_bound"]) == [-300.0, -200.0]
    assert frame["test_log_px"].isna().all()


def test_config_reads_as_attributes_and_cannot_be_changed(run):
    assert run.config.latent_dim == run.settings["latent_dim"] == 2
    assert run.config.name == run.name == run.directory.name
    assert run.config.optimizer.lr == run.settings["optimizer"]["lr"]
    with pytest.raises(Exception, match="read-only"):
        run.config.latent_dim = 3


def test_a_recorded_evaluation_is_not_computed_again(run, capsys):
    first = run.evaluate("bound", num_images=10, progress=False)
    assert first.record.keys() - first.record["summary"] == RESERVED  # what a summary may not replace
    written = first.path.stat().st_mtime_ns
    again = run.evaluate("bound", num_images=10, progress=False)
    assert again.path.stat().st_mtime_ns == written
    assert (again.values["bound"] == first.values["bound"]).all()
    assert capsys.readouterr() == ("", "")
    row = run.evaluations().iloc[0]
    assert (row["evaluator"], row["n"], row["mean"]) == ("bound", 10, first.mean)
    assert row["file"] == "bound-test-first10.json"


def test_an_evaluation_can_be_written_elsewhere(run, tmp_path):
    here = run.evaluate("bound", num_images=5, progress=False)
    elsewhere = run.evaluate("bound", num_images=5, output_dir=tmp_path, progress=False)
    assert elsewhere.path == tmp_path / run.directory.name / "evaluation" / here.path.name
    assert elsewhere.mean == here.mean


@pytest.mark.parametrize(
    ("evaluator", "settings", "message"),
    [
        ("importanc", {}, "evaluator=importanc: no such option; did you mean importance"),
        ("importance", {"samples": 0}, "evaluator.importance.samples=0: out of range; allowed: an integer >= 1"),
        ("importance", {"sample": 5}, "evaluator.importance.sample=5: no such key; did you mean"),
        ("bound", {"split": "tests"}, "split=tests"),
        ("enumeration", {}, "evaluator=enumeration"),
    ],
)
def test_a_refusal_is_one_line(run, evaluator, settings, message):
    with pytest.raises(UserError) as refusal:
        run.evaluate(evaluator, **settings)
    assert message in str(refusal.value)
    assert len(str(refusal.value).splitlines()) == 1


@pytest.mark.parametrize("change", ["model.pt", "DONE"])
def test_the_files_of_a_run_that_was_trained_on_are_not_those_of_the_model(tmp_path, change):
    directory = plant_model(tmp_path, "data=digits", "latent_dim=2")
    run = aevb.load(directory)
    mean = run.encode(np.zeros((1, 64))).mean
    if change == "DONE":  # it is being trained
        (directory / "DONE").unlink()
    else:
        weights = torch.load(directory / "model.pt")
        torch.save({name: value + 1 for name, value in weights.items()}, directory / "model.pt")
    for call in (run.metrics, run.evaluations, lambda: run.evaluate("bound", num_images=5, progress=False)):
        with pytest.raises(UserError, match=r"trained on since it was loaded; .*; try: aevb\.load"):
            call()
    assert run._repr_html_().count("trained on since it was loaded") == 3
    assert (run.encode(np.zeros((1, 64))).mean == mean).all()


def test_the_best_weights_have_their_own_evaluations(tmp_path):
    directory = plant_model(tmp_path, "data=digits", "latent_dim=2")
    shutil.copy(directory / "model.pt", directory / "best.pt")
    done = json.loads((directory / "DONE").read_text())
    best = {"samples_seen": 100, "valid_bound": -300.0, "sha256": sha256_of_model(directory)}
    write_json(directory / "DONE", {**done, "best": best})
    final, best = aevb.load(directory), aevb.load(directory, weights="best")
    best.evaluate("bound", num_images=5, progress=False)
    assert list(best.evaluations()["file"]) == ["bound-test-first5.json"]
    assert len(final.evaluations()) == 0
    assert "bound-test" not in final._repr_html_()
    assert '<td style="text-align: left">5</td>' in best._repr_html_()
    assert "weights='best'" in repr(best)
    assert "best" not in repr(final)


def test_a_run_outlives_a_change_of_the_working_directory(tmp_path, monkeypatch):
    directory = plant_model(tmp_path, "data=digits", "latent_dim=2")
    monkeypatch.chdir(tmp_path)
    run = aevb.load(directory.relative_to(tmp_path))
    monkeypatch.chdir(tmp_path.parent)
    run.evaluate("bound", num_images=5, progress=False)
    assert len(run.evaluations()) == 1
    assert len(run.metrics()) == 2


def test_threads_evaluate_one_after_another(run, monkeypatch):
    monkeypatch.delenv("AEVB_BARS", raising=False)
    with ThreadPoolExecutor(4) as pool:
        counts = [11, 12, 13, 14]
        results = list(pool.map(lambda n: run.evaluate("bound", num_images=n, progress=False), counts))
    assert [len(result.values["bound"]) for result in results] == counts
    for n, result in zip(counts, results, strict=True):
        result.path.unlink()
        assert run.evaluate("bound", num_images=n, progress=False).mean == result.mean


def test_a_default_device_does_not_reach_a_run(run):
    """A tensor on the device "meta" has no values, so nothing could be computed there."""
    x = np.zeros((3, 64))
    expected = run.encode(x).mean, run.sample(2), run.log_px(x, samples=5).log_px
    torch.set_default_device("meta")
    try:
        again = run.encode(x).mean, run.sample(2), run.log_px(x, samples=5).log_px
        loaded = aevb.load(run.directory)
        evaluation = loaded.evaluate("bound", num_images=9, progress=False)
        assert torch.zeros(1).device.type == "meta"
    finally:
        torch.set_default_device(None)
    assert all((one == other).all() for one, other in zip(again, expected, strict=True))
    assert (loaded.encode(x).mean == expected[0]).all()
    assert np.isfinite(evaluation.mean)


def test_html_shows_curve_samples_and_numbers(run):
    run.evaluate("bound", num_images=10, progress=False)
    run.evaluate("reconstruction", num_images=10, progress=False)
    html = run._repr_html_()
    cells = [re.findall("<td[^>]*>([^<]*)</td>", row) for row in html.split("<tr>")]
    units = {row[0]: row[6] for row in cells if len(row) == 8}
    assert units["bound"] == "nats"
    assert units["reconstruction"] == ""  # a squared error
    tags = Tags(html).tags
    (image,) = [attributes for tag, attributes in tags if tag == "img"]
    png = Image.open(io.BytesIO(base64.b64decode(image["src"].removeprefix("data:image/png;base64,"))))
    assert png.size == (5 * 42 - 2, 5 * 42 - 2)
    assert np.asarray(png).std() > 1
    lines = [attributes for tag, attributes in tags if tag == "path" and attributes.get("stroke-width") == "1.8"]
    assert len(lines) == 2
    assert len([tag for tag, _ in tags if tag == "circle"]) == 4
    assert "data=digits, objective=sgvb_b, optimizer=adagrad, latent_dim=2" in html
    assert "1,000 training samples in 12.5 s" in html
    assert '<td style="text-align: left">10</td>' in html


def test_html_escapes_whatever_a_run_directory_says(tmp_path):
    directory = plant_model(tmp_path, "data=digits", "latent_dim=2").rename(tmp_path / HOSTILE.replace("/", ""))
    facts = {"name": HOSTILE, "split": HOSTILE, "n": 3, "mean": 1.0, "standard_error": 0.5, "quantity": HOSTILE}
    write_json(
        directory / "evaluation" / "x-test.json", {**facts, "settings": {HOSTILE: HOSTILE}, "direction": HOSTILE}
    )
    html = aevb.load(directory)._repr_html_()
    assert len([tag for tag, _ in Tags(html).tags if tag == "img"]) == 1
    assert html.count("&lt;img src=x") >= 6


def test_html_says_what_cannot_be_read(tmp_path):
    directory = plant_model(tmp_path, "data=digits", "latent_dim=2")
    run = aevb.load(directory)
    (directory / "metrics.csv").write_text("no table\n1\n")
    html = run._repr_html_()
    assert "metrics.csv: damaged" in html
    assert [tag for tag, _ in Tags(html).tags if tag == "img"]


def test_without_pandas_there_is_one_line(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    for call in (run.metrics, run.evaluations, lambda: aevb.runs(run.directory.parent)):
        with pytest.raises(UserError, match=re.escape("try: pip install 'aevb[notebook]'")):
            call()


def test_table_of_runs(tmp_path):
    good = plant_model(tmp_path, "data=digits", "latent_dim=2", train={100: -300.0, 1_000_000: -200.0})
    plant(tmp_path, "data=digits", "latent_dim=5", train={100: -44.0, 1000: -30.5}, finish=False)
    damaged = plant(tmp_path, "data=digits", "latent_dim=3", train={100: -44.0})
    (damaged / "DONE").write_text("{")
    aevb.load(good).evaluate("importance", samples=20, num_images=10, progress=False)
    frame = aevb.runs(tmp_path)
    assert list(frame.index) == ["datadigits_latent_dim2", "datadigits_latent_dim3", "datadigits_latent_dim5"]
    assert list(frame["state"]) == ["done", "failed", "partial"]
    assert list(frame["latent_dim"]) == [2, 3, 5]
    assert frame.loc[good.name, "last_train_bound"] == -200.0
    value = frame.loc[good.name, "importance-test-k20-first10 log_px"]
    assert value == aevb.load(good).evaluations()["mean"].iloc[0]
    assert frame["importance-test-k20-first10 log_px standard error"].notna().sum() == 1
    assert "DONE: damaged" in frame.loc[damaged.name, "why"]
    assert "data" not in frame.columns  # the same for all
    assert frame.loc[good.name, "directory"] == str(good)


def test_a_finished_run_has_no_reason_to_count(tmp_path):
    plant(tmp_path, "data=digits", "latent_dim=2", "max_samples=100", train={100: -44.0})
    damaged = plant(tmp_path, "data=digits", "latent_dim=3", train={100: -44.0})
    (damaged / "DONE").write_text("{")
    assert aevb.runs(tmp_path)["why"].count() == 1


def test_help_of_the_table_has_its_arguments_columns_and_errors():
    shown = pydoc.render_doc(aevb.runs, renderer=pydoc.plaintext)
    described = [line.strip() for line in shown.splitlines()]
    for line in inspect.getdoc(table).splitlines():
        assert line.strip() in described
    assert "aevb.runs - Run directories" in shown


def test_table_of_a_folder_without_runs_is_refused(tmp_path):
    with pytest.raises(UserError, match="no runs in it"):
        aevb.runs(tmp_path)


@pytest.mark.parametrize(
    ("evaluator", "options", "message"),
    [
        (None, {}, "evaluator=None: no name; allowed: one of ais, "),
        (
            ["bound"],
            {},
            r"evaluator=\['bound'\]: no name; allowed: one of ais, .*; try: evaluate\('bound'\), a call for each$",
        ),
        (
            "bound",
            {"split": ["test"]},
            r"split=\['test'\]: no such split; allowed: train, valid, test; try: split='test'$",
        ),
        ("bound", {"output_dir": 3}, "output_dir=3: no path; allowed: a folder, or None; try: "),
        ("bound", {"split": "tset"}, "split=tset: no such split; allowed: train, valid, test; try: split='test'$"),
    ],
)
def test_an_evaluation_of_another_kind_is_refused(run, evaluator, options, message):
    with pytest.raises(UserError, match=f"^{message}"):
        run.evaluate(evaluator, **options)
