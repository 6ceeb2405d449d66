"""The contents of <run>/tb, read by TensorBoard's reader: against metrics.csv, after errors, resumption and extension."""

import io
from collections import Counter
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import pytest
import torch
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.custom_scalar.layout_pb2 import Layout

from aevb import runs
from aevb.config.instantiate import instantiate
from aevb.data.target_convention import TargetConvention
from aevb.loggers.base import RunContext
from aevb.training import train_run
from helpers.small_run import change, settings_of_a_small_run

CURVES = {
    "bound/train": "train_bound",
    "bound/test": "test_bound",
    "reconstruction/test": "test_reconstruction",
    "kl/test": "test_kl",
    "log_px/K=5, first 100 test images": "test_log_px",
}
PICTURES = ["prior samples", "reconstructions, below their originals"]


def events(run: Path) -> EventAccumulator:
    reader = EventAccumulator(str(run / "tb"), size_guidance={"scalars": 0, "images": 0, "tensors": 0})
    return reader.Reload()


def steps(run: Path) -> dict[str, list[int]]:
    """Every tag of every kind with its steps."""
    reader = events(run)
    scalars = {tag: reader.Scalars(tag) for tag in reader.Tags()["scalars"]}
    images = {tag: reader.Images(tag) for tag in reader.Tags()["images"]}
    tensors = {tag: reader.Tensors(tag) for tag in reader.Tags()["tensors"]}
    return {tag: [event.step for event in events_of_tag] for tag, events_of_tag in (scalars | images | tensors).items()}


def curves(run: Path) -> dict[str, list[int]]:
    """As `steps`, without what is written at every start."""
    at_start = ("config/text_summary", "custom_scalars__config__", "_hparams_/session_start_info")
    return {tag: at for tag, at in steps(run).items() if tag not in at_start}


def assert_as_in_metrics(run: Path) -> None:
    """Curves equal metrics.csv (event files hold float32), pictures have its steps, nothing appears twice."""
    reader, metrics = events(run), runs.Run(run).metrics()
    seen = metrics["samples_seen"].tolist()
    for tag, column in CURVES.items():
        events_of_tag = reader.Scalars(tag)
        assert [event.step for event in events_of_tag] == seen, tag
        np.testing.assert_allclose([event.value for event in events_of_tag], metrics[column], rtol=1e-6, err_msg=tag)
    for tag, at in steps(run).items():
        assert max(Counter(at).values()) == 1, f"{tag} appears twice at a step: {at}"
        assert tag not in PICTURES or at == seen, tag


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return settings_of_a_small_run(tmp_path_factory.mktemp("settings"))


def start(directory: Path, settings: dict[str, Any], max_samples: int) -> Path:
    runs.prepare(directory, change(settings, max_samples=max_samples))
    train_run.run(directory)
    return directory


@pytest.fixture(scope="module")
def finished(settings: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return start(tmp_path_factory.mktemp("finished") / "run", settings, 3000)


def test_curves_are_metrics_csv_over_exact_samples(finished: Path) -> None:
    assert runs.Run(finished).metrics()["samples_seen"].tolist() == [100, 200, 300, 500, 1000, 2000, 3000]
    assert_as_in_metrics(finished)


def test_the_end_is_the_evaluation_of_the_whole_split(finished: Path) -> None:
    reader, files = events(finished), {file["name"]: file for file in runs.Run(finished).evaluations()}
    (bound,), (log_px,) = reader.Scalars("final/bound"), reader.Scalars("final/log_px, K=5")
    assert bound.step == log_px.step == 3000
    assert bound.value == pytest.approx(files["bound"]["mean"], rel=1e-6)
    assert log_px.value == pytest.approx(files["importance"]["mean"], rel=1e-6)
    assert files["importance"]["n"] == 360
    (table,) = reader.Tensors("results/text_summary")
    assert f"| log_px | {files['importance']['mean']:.3f} |" in table.tensor_proto.string_val[0].decode()


def test_evaluators_with_a_value_of_one_name_stand_beside_each_other(settings: dict[str, Any], tmp_path: Path) -> None:
    ais = {"_target_": "aevb.evaluators.ais.AIS", "temperatures": 2, "chains": 2}
    few = change({**settings, "evaluator": {**settings["evaluator"], "ais": ais}}, num_images=1, final_images=1)
    run = start(tmp_path / "run", few, 100)
    reader, done = events(run), runs.Run(run).done["test"]
    for tag, name in (("final/log_px, K=5", "importance"), ("final/ais_log_px", "ais")):
        (value,) = reader.Scalars(tag)
        assert value.value == pytest.approx(done[name]["mean"], rel=1e-6)
    (table,) = reader.Tensors("results/text_summary")
    lines = table.tensor_proto.string_val[0].decode().splitlines()
    for row, name in (("log_px", "importance"), ("ais_log_px", "ais")):
        assert f"| {row} | {done[name]['mean']:.3f} |  | 1 |" in lines  # a single image has no error


def test_steps_do_not_pass_through_floats(settings: dict[str, Any], tmp_path: Path) -> None:
    """99,999,900 in float32 is 99,999,904."""
    run_logger = instantiate(settings["logger"])
    runs.prepare(tmp_path, change(settings, max_samples=10**8))
    run_logger.logger(tmp_path, 0, 100)
    run_logger.images = 0
    grey = TargetConvention("grey", 16)
    context = RunContext(tmp_path, settings, None, torch.zeros(360, 64), torch.zeros(360), (8, 8), 100, grey)
    run_logger.log_evaluation(context, {"samples_seen": 99_999_900, "train_bound": -1.0})
    run_logger._writer.close()
    assert steps(tmp_path) == {"bound/train": [99_999_900]}


def test_an_error_before_a_checkpoint_leaves_nothing_twice(
    settings: dict[str, Any], finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save, run = L.Trainer.save_checkpoint, tmp_path / "run"

    def fail_at_2000(self: L.Trainer, path: Path, *arguments: Any) -> None:
        if self.lightning_module.samples_seen == 2000:
            raise OSError("disk full")
        save(self, path, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(L.Trainer, "save_checkpoint", fail_at_2000)
        with pytest.raises(OSError, match="disk full"):
            start(run, settings, 3000)
    assert steps(run)["bound/test"][-1] == 2000, "the error must come after the evaluation was written"
    start(run, settings, 3000)
    assert_as_in_metrics(run)
    assert curves(run) == curves(finished)


@pytest.mark.parametrize("first", [1000, 1500], ids=["from an evaluation point", "from another end"])
def test_an_extended_run_is_as_one_that_never_stopped(
    settings: dict[str, Any], finished: Path, tmp_path: Path, first: int
) -> None:
    run = start(tmp_path / "run", settings, first)
    assert (run / "tb" / f"{first:05}").is_dir()
    start(run, settings, 3000)
    assert_as_in_metrics(run)
    assert curves(run) == curves(finished)
    assert [folder.name for folder in (run / "tb").iterdir() if folder.is_dir()] == ["03000"]
    assert (run / "tb" / "projector_config.pbtxt").read_text().count("embeddings {") == 1


@pytest.mark.parametrize("budget", [1000, 1500], ids=["at an evaluation point", "at another end"])
@pytest.mark.slow
def test_a_run_killed_in_its_last_evaluation_ends_as_any_other(
    settings: dict[str, Any], tmp_path: Path, budget: int
) -> None:
    run = start(tmp_path / "run", settings, budget)
    before = steps(run)
    (run / "DONE").unlink()
    start(run, settings, budget)
    assert_as_in_metrics(run)
    assert steps(run) == before


def test_checkpoints_hold_no_trace_of_the_logger(settings: dict[str, Any], finished: Path, tmp_path: Path) -> None:
    plain = start(tmp_path / "plain", change(settings, logger={"_target_": "aevb.loggers.base.RunLogger"}), 3000)
    assert not (plain / "tb").exists()
    for path in ("checkpoints/last.ckpt", "model.pt"):
        one, other = (torch.load(run / path, weights_only=True) for run in (plain, finished))
        assert one.keys() == other.keys()
    torch.testing.assert_close(one, other, rtol=0, atol=0)
    assert (plain / "metrics.csv").read_text() == (finished / "metrics.csv").read_text()


def test_a_torn_event_file_is_mended(settings: dict[str, Any], finished: Path, tmp_path: Path) -> None:
    run = start(tmp_path / "run", settings, 1000)
    for path in (run / "tb").glob("events.*"):
        path.write_bytes(path.read_bytes() + path.read_bytes()[:20])  # half a record, as a kill leaves it
    start(run, settings, 3000)
    assert_as_in_metrics(run)
    assert curves(run) == curves(finished)


def test_a_run_without_log_px_has_a_chart_of_its_bounds(settings: dict[str, Any], tmp_path: Path) -> None:
    run = start(tmp_path / "run", change(settings, evaluator={"bound": settings["evaluator"]["bound"]}), 100)
    (event,) = events(run).Tensors("custom_scalars__config__")
    (category,) = Layout.FromString(event.tensor_proto.string_val[0]).category
    assert [(chart.title, list(chart.multiline.tag)) for chart in category.chart] == [
        ("train bound, test bound", ["bound/train", "bound/test"])
    ]


def test_nothing_is_drawn_when_nothing_is_asked_for(settings: dict[str, Any], tmp_path: Path) -> None:
    bare = change(settings, images=0, embedding=0)
    run = start(tmp_path / "run", bare, 100)
    assert events(run).Tags()["images"] == []
    assert [path for path in (run / "tb").iterdir() if path.is_dir()] == []


def test_prior_samples_use_the_same_z_at_every_point(settings: dict[str, Any], tmp_path: Path) -> None:
    """Parameters do not change in the first 100 minibatches of the optimizer: pictures that differ there come from different z."""
    run = start(tmp_path / "run", change(settings, initialization="glorot"), 300)
    reader = events(run)
    pictures = [image.encoded_image_string for image in reader.Images("prior samples")]
    assert len(pictures) == 3
    assert len(set(pictures)) == 1
    picture = np.asarray(Image.open(io.BytesIO(pictures[0])))
    tiles = {
        picture[top : top + 32, left : left + 32].tobytes() for top in range(1, 265, 33) for left in range(1, 265, 33)
    }
    assert len(tiles) == 64, "64 different z must look different"


@pytest.mark.parametrize(("rows", "columns"), [(7, 4), (4, 7)])
def test_sprites_of_images_that_are_not_square(
    rows: int, columns: int, settings: dict[str, Any], tmp_path: Path
) -> None:
    """Frey Face is 28 x 20: the projector's sheet holds squares of the longer side, 36 of them in rows of six."""
    data = {"_target_": "aevb.data.synthetic.SigmoidBelief", "rows": rows, "columns": columns, "n_test": 36}
    run = start(tmp_path / "run", {**settings, "data": data}, 200)
    (sheet,) = (run / "tb").rglob("sprite.png")
    with Image.open(sheet) as picture:
        assert picture.size == (6 * 7, 6 * 7)


def test_rows_of_a_table_have_no_sprites(settings: dict[str, Any], tmp_path: Path) -> None:
    """As squares, 1,000 rows of 784 columns would be 7 GB."""
    data = {"_target_": "aevb.data.synthetic.SigmoidBelief", "rows": 1, "columns": 20, "n_test": 36}
    run = start(tmp_path / "run", {**settings, "data": data}, 200)
    assert list((run / "tb").rglob("tensors.tsv"))
    assert not list((run / "tb").rglob("sprite.png"))
