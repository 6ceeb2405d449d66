"""The log directory of a sweep, read back by TensorBoard's own reader, against the planted runs and the paper's curves."""

from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.custom_scalar.layout_pb2 import Layout
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

from aevb.figures.paper import published
from aevb.files.atomic import write_json
from aevb.report.dashboard import write_dashboard
from aevb.report.published_runs import write_published_runs
from aevb.runs.status import rows_of
from helpers.figure_runs import plant
from helpers.in_process import run_command

POINTS = {100_000: -200.0, 1_000_000: -120.0}


def read(folder: Path) -> EventAccumulator:
    return EventAccumulator(str(folder), size_guidance={"scalars": 0, "tensors": 0}).Reload()


def scalars(folder: Path, tag: str) -> list[tuple[int, float]]:
    return [(event.step, pytest.approx(event.value, rel=1e-6)) for event in read(folder).Scalars(tag)]


def hparams(folder: Path, tag: str) -> HParamsPluginData:
    content = read(folder).SummaryMetadata(f"_hparams_/{tag}").plugin_data.content
    return HParamsPluginData.FromString(content)


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    """latent_dim 3 with two seeds, latent_dim 5 with one, of which the last has not ended."""
    runs = tmp_path / "runs"
    for latent_dim, seed in ((3, 0), (3, 1)):
        train = {point: value - 2 * seed for point, value in POINTS.items()}
        run = plant(runs, f"latent_dim={latent_dim}", f"seed={seed}", train=train)
        facts = {"name": "importance", "split": "test", "n": 10, "mean": -118.5, "standard_error": 0.25}
        write_json(run / "evaluation" / "importance-test.json", facts)
    plant(runs, "latent_dim=5", "seed=0", train=POINTS, finish=False)
    return runs


def test_a_chart_for_every_setting_beside_the_paper(sweep: Path, tmp_path: Path) -> None:
    folder = write_dashboard(rows_of(sweep), tmp_path / "tb")
    names = {str(path.parent.relative_to(folder)) for path in folder.rglob("*tfevents*")}
    assert names == {
        ".", "latent_dim3_seed0", "latent_dim3_seed1", "latent_dim5_seed0", "mean of seeds/AEVB", "paper/aevb", "paper/wake_sleep",
    }  # fmt: skip
    tag = "MNIST, latent_dim 3/lower bound, train"
    assert scalars(folder / "latent_dim3_seed1", tag) == [(100_000, -202.0), (1_000_000, -122.0)]
    assert scalars(folder / "mean of seeds" / "AEVB", tag) == [(100_000, -201.0), (1_000_000, -121.0)]
    assert scalars(folder / "mean of seeds" / "AEVB", f"seeds/{tag}, lowest") == [
        (100_000, -202.0),
        (1_000_000, -122.0),
    ]
    assert scalars(folder / "mean of seeds" / "AEVB", f"seeds/{tag}, highest") == [
        (100_000, -200.0),
        (1_000_000, -120.0),
    ]
    curve = published.figure2()["mnist", 3, "aevb", "train"].until(1e6)
    assert scalars(folder / "paper" / "aevb", tag) == list(
        zip(map(int, curve.samples_seen), map(float, curve.value), strict=True)
    )


def test_the_last_decade_stands_apart(sweep: Path, tmp_path: Path) -> None:
    folder = write_dashboard(rows_of(sweep), tmp_path / "tb")
    name = "last decade/MNIST, latent_dim 3/lower bound, test"
    assert [x for x, _ in scalars(folder / "latent_dim3_seed0", name)] == [100_000, 1_000_000]
    assert min(x for x, _ in scalars(folder / "paper" / "aevb", name)) >= 100_000


def test_columns_are_what_varies(sweep: Path, tmp_path: Path) -> None:
    folder = write_dashboard(rows_of(sweep), tmp_path / "tb")
    columns = hparams(folder, "experiment").experiment
    assert [item.name for item in columns.hparam_infos] == ["latent_dim", "seed"]
    assert [item.name.tag for item in columns.metric_infos] == [
        "final/importance-test", "final/importance-test, standard error",
    ]  # fmt: skip
    row = hparams(folder / "latent_dim3_seed1", "session_start_info").session_start_info.hparams
    assert {name: value.number_value for name, value in row.items()} == {"latent_dim": 3, "seed": 1}
    assert scalars(folder / "latent_dim3_seed1", "final/importance-test, standard error") == [(1_000_000, 0.25)]


def test_custom_scalars_have_the_tags_that_there_are(sweep: Path, tmp_path: Path) -> None:
    folder = write_dashboard(rows_of(sweep), tmp_path / "tb")
    (event,) = read(folder).Tensors("custom_scalars__config__")
    layout = Layout.FromString(event.tensor_proto.string_val[0])
    charts = {category.title: [chart.title for chart in category.chart] for category in layout.category}
    both = ["MNIST, latent_dim 3", "MNIST, latent_dim 5"]
    assert charts == {
        "test bound, last decade": both,
        "train bound, last decade": both,
        "test bound": both,
        "train bound": both,
        "test bound, mean and range over seeds": both[:1],
    }
    (series,) = layout.category[4].chart[0].margin.series
    tags = read(folder / "mean of seeds" / "AEVB").Tags()["scalars"]
    assert {series.value, series.lower, series.upper} <= set(tags)


def test_the_same_runs_give_the_same_bytes_and_no_other_folder_is_touched(sweep: Path, tmp_path: Path) -> None:
    def files(folder: Path) -> dict[str, bytes]:
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    folder = write_dashboard(rows_of(sweep), tmp_path / "tb")
    before = files(folder)
    (folder / "of an earlier sweep").mkdir()
    assert files(write_dashboard(rows_of(sweep), folder)) == before
    assert not (folder / "of an earlier sweep").exists()
    with pytest.raises(FileExistsError):
        write_dashboard(rows_of(sweep), sweep)
    assert len(rows_of(sweep)) == 3


def test_published_runs_are_written_once_and_grow(tmp_path: Path) -> None:
    folders = write_published_runs(tmp_path, "mnist", 5, 10**6)
    assert [folder.name for folder in folders] == ["mnist-z5-aevb", "mnist-z5-wake_sleep"]
    curve = published.figure2()["mnist", 5, "aevb", "test"]
    assert scalars(folders[0], "bound/test")[-1] == (10**6, curve.at(1e6))
    (file,) = folders[0].iterdir()
    before = file.stat().st_mtime_ns
    assert write_published_runs(tmp_path, "mnist", 5, 10**5) == folders
    assert [path.stat().st_mtime_ns for path in folders[0].iterdir()] == [before]
    write_published_runs(tmp_path, "mnist", 5, 10**7)
    assert scalars(folders[0], "bound/test")[-1] == (10**7, curve.at(1e7))
    assert len(list(folders[0].iterdir())) == 1
    assert write_published_runs(tmp_path, "digits", 5, 10**6) == []


def test_the_folder_behind_a_link_is_replaced(sweep: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "tb").symlink_to("elsewhere")
    for _ in range(2):
        folder = write_dashboard(rows_of(sweep), tmp_path / "tb")
        assert (tmp_path / "tb").is_symlink()
        assert len(list(folder.iterdir())) > 1


@pytest.mark.parametrize("name", ["mine.txt", "full"])
def test_a_log_directory_that_is_refused_leaves_no_report(
    name: str, sweep: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "full").mkdir()
    for path in ("mine.txt", "full/mine.txt"):
        (tmp_path / path).write_text("mine")
    assert run_command("report", [str(sweep), "--tensorboard", name, "--no-images"], monkeypatch) == 2
    assert capsys.readouterr().err.startswith(f"aevb-report: {name}: ")
    assert not (tmp_path / "report.html").exists()


def test_a_log_directory_with_somebodys_file_is_kept(sweep: Path, tmp_path: Path) -> None:
    folder = write_dashboard(rows_of(sweep), tmp_path / "tb")
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="not written by aevb"):
        write_dashboard(rows_of(sweep), folder)
    assert (folder / "notes.txt").read_text() == "mine"
