"""Every damage of scripts/hostile_runs.py against everything that reads or goes on with a run directory."""

import os
import shutil
import signal
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import numpy as np
import pytest
from hostile_runs import DAMAGES, ESCAPES, Damage, plant

import aevb as package
from aevb import runs
from aevb.cli.tables import show
from aevb.errors import UserError
from aevb.evaluation.loading import load_run
from aevb.explorer.export import export_run
from aevb.figures.studies.table import Table
from aevb.runs import layout
from aevb.runs.comparison import differences
from aevb.runs.readable import problem
from aevb.runs.status import row, rows_of
from aevb.training import train_run
from helpers.commands import REPOSITORY, settings
from helpers.running import DIGITS
from helpers.short_runs import a_dead_process, train

SECONDS = 60
NAMED = {damage.name: damage for damage in DAMAGES}


def test_the_page_counts_the_commands_and_the_damages() -> None:
    programs = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["scripts"]
    commands = (
        len(programs) * (len(DAMAGES) + 1) + 3
    )  # with the undamaged copies, and the folder of all for three commands
    text = " ".join((REPOSITORY / "docs" / "faults.md").read_text().split())
    assert f"It runs {commands:,} commands on {len(DAMAGES)} kinds of damage;" in text


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run to 300 samples with everything that a command line leaves."""
    directory = tmp_path_factory.mktemp("good") / "good"
    config = settings(*DIGITS, "max_samples=300", "seed=0")
    config["choices"] = {"data": "digits", "objective": "sgvb_b", "optimizer": "adagrad"}
    runs.prepare(directory, config)
    train_run.run(directory)
    return directory


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    folder = tmp_path / "victim"
    folder.mkdir()
    (folder / "file").write_text("precious")
    return folder


@contextmanager
def no_hang() -> Iterator[None]:
    def ring(number: int, frame: FrameType | None) -> None:
        raise AssertionError(f"hung for {SECONDS} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def answer(use: Callable[[], object]) -> str:
    """What a refusal says; empty if there is none. Everything else than a UserError fails the test."""
    with no_hang():
        try:
            use()
        except UserError as error:
            return str(error)
    return ""


READERS: dict[str, Callable[[Path, Path], object]] = {
    "status": lambda run, good: row(run),
    "figures": lambda run, good: problem(runs.Run(run)),
    "load": lambda run, good: load_run(run),
    "diff": lambda run, good: list(differences(good, run)),
    "plan": lambda run, good: runs.planned_action(run, runs.read_settings(good)),
}


@pytest.mark.fault(
    "a named pipe, socket, device, folder or symbolic link in the place of any file of a run directory",
    "refused with one line; never followed, never waited for",
)
def test_every_damage_is_read_or_refused(good: Path, victim: Path, tmp_path: Path) -> None:
    for damage in DAMAGES:
        run = plant(good, tmp_path / "runs", victim, damage)
        for reader, read in READERS.items():
            try:
                answered = answer(lambda run=run, read=read: read(run, good))  # type: ignore[misc]
            except Exception as error:
                raise AssertionError(f"{reader}, {damage.name}: {type(error).__name__}: {error}") from error
            assert len(answered.splitlines()) <= 1 or ESCAPES in answered, f"{reader}, {damage.name}: {answered}"
        shutil.rmtree(run)
    assert (victim / "file").read_text() == "precious"


@pytest.mark.fault(
    "YAML aliases, deep nesting or megabytes of text in config.yaml; deep or long JSON",
    "refused with one line that names the file, before an object is built from it",
)
def test_what_is_damaged_is_refused_by_its_name(good: Path, victim: Path, tmp_path: Path) -> None:
    """Of every record that a reader needs, each damage is noticed."""
    for damage in DAMAGES:
        file = damage.name.split(": ")[0].split(" is a ")[0]
        needed = file in (layout.CONFIG, layout.DONE, layout.METRICS) or file.startswith(layout.EVALUATIONS)
        if (
            not needed
            or damage.name.endswith("escapes")
            or (file == layout.EVALUATIONS and damage.name.endswith("file"))
        ):
            continue
        run = plant(good, tmp_path / "runs", victim, damage)
        assert problem(runs.Run(run)), damage.name
        shutil.rmtree(run)


@pytest.fixture
def everything(good: Path, victim: Path, tmp_path: Path) -> Path:
    """A folder with the good run and every damaged one, one of them with a name of escape sequences."""
    folder = tmp_path / "everything"
    shutil.copytree(good, folder / "good")
    for damage in DAMAGES:
        plant(good, folder, victim, damage)
    os.mkdir(folder / f"name{ESCAPES.replace('/', '')}")
    shutil.copy(good / layout.CONFIG, folder / f"name{ESCAPES.replace('/', '')}" / layout.CONFIG)
    return folder


@pytest.mark.fault(
    "a folder of runs in which most records have the wrong form",
    "one row for each such run that gives the reason; the good runs are shown",
)
def test_status_has_a_row_for_every_run(everything: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with no_hang():
        rows = rows_of(everything)
    states = {Path(item.run).name: item.state for item in rows}
    assert len(rows) == len(DAMAGES) + 2
    assert states["good"] == "done"
    assert sum(item.why.startswith("damaged: ") for item in rows) >= 40
    show(rows)
    printed = capsys.readouterr().out
    assert len(printed.splitlines()) == len(rows) + 2
    assert all(line.isprintable() for line in printed.splitlines())


@pytest.mark.fault(
    "a figure of such a folder",
    "drawn from the good runs; one line for each of the others",
)
def test_a_figure_is_drawn_from_the_others(
    everything: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with no_hang():
        Table().draw(everything, tmp_path / "figures")
    captured = capsys.readouterr()
    assert "good," in (tmp_path / "figures" / "table.csv").read_text()
    assert captured.err.count("left out") >= 40
    assert all(line.isprintable() for line in captured.err.splitlines())


GONE_ON_WITH = [
    damage
    for damage in DAMAGES
    if "checkpoint" in damage.kind or damage.name.startswith((layout.CHECKPOINTS, layout.LOCK, layout.TENSORBOARD))
]


@pytest.mark.fault(
    "`checkpoints`, `tb` or LOCK is a symbolic link, a file or a named pipe when a run resumes",
    "refused with one line; the target of the link is not changed, and DONE stays",
)
@pytest.mark.parametrize("damage", GONE_ON_WITH, ids=lambda damage: damage.name)
def test_training_refuses_or_resumes(damage: Damage, good: Path, victim: Path, tmp_path: Path) -> None:
    run = plant(good, tmp_path / "runs", victim, damage)
    answered = answer(lambda: train(run, 500, *DIGITS))
    assert answered, damage.name
    assert (run / layout.DONE).exists(), "DONE was removed before the replacement was read"
    assert (victim / "file").read_text() == "precious"
    assert [path.name for path in victim.iterdir()] == ["file"]


@pytest.mark.fault(
    "last.ckpt belongs to another seed or another model, or is not a checkpoint",
    "refused with one line; DONE stays until the new checkpoint has been read",
)
def test_the_checkpoint_of_another_seed_is_refused(good: Path, tmp_path: Path) -> None:
    other = train(tmp_path / "other", 300, *DIGITS, "seed=1")
    run = Path(shutil.copytree(good, tmp_path / "run"))
    shutil.copy(other / layout.LAST_CHECKPOINT, run / layout.LAST_CHECKPOINT)
    answered = answer(lambda: train(run, 500, *DIGITS))
    assert answered.startswith(
        f"{run / layout.LAST_CHECKPOINT}: a checkpoint of another run, other; allowed: one of run; try:"
    )
    assert (run / layout.DONE).exists()


@pytest.mark.fault(
    "a checkpoint of an older version, without a fingerprint",
    "resumed",
)
def test_a_checkpoint_without_a_fingerprint_is_resumed(good: Path, tmp_path: Path) -> None:
    import torch

    run = Path(shutil.copytree(good, tmp_path / "run"))
    old = torch.load(run / layout.LAST_CHECKPOINT, weights_only=True)
    del old["run"]
    torch.save(old, run / layout.LAST_CHECKPOINT)
    assert runs.Run(train(run, 500, *DIGITS)).done["samples_seen"] == 500


@pytest.mark.fault(
    "model.pt is in float16, contains NaN, belongs to another run, or is a zip bomb",
    "refused with one line that names the file",
)
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("model.pt: float16", "torch.float16; allowed: torch.float32"),
        ("model.pt: nan", "is not finite"),
        ("model.pt: other", "not the weights that this run ended with"),
        ("model.pt: zip bomb", "damaged"),
    ],
)
def test_weights_that_are_not_the_runs(name: str, words: str, good: Path, victim: Path, tmp_path: Path) -> None:
    run = plant(good, tmp_path / "runs", victim, NAMED[name])
    answered = answer(lambda: package.load(run))
    assert answered.startswith(f"{run / layout.MODEL}: ")
    assert words in answered


@pytest.mark.fault(
    "DONE belongs to another run",
    "refused with one line that names the file",
)
def test_done_of_another_run_is_refused(good: Path, tmp_path: Path) -> None:
    other = train(tmp_path / "other", 300, *DIGITS, "seed=1")
    run = Path(shutil.copytree(good, tmp_path / "run"))
    shutil.copy(other / layout.DONE, run / layout.DONE)
    assert "of another run" in answer(lambda: package.load(run))


@pytest.mark.fault(
    "the data file changes after the run has finished",
    "every command that reads the data is refused; commands that do not need the data still load the model",
)
def test_data_that_changed_since_are_named(tmp_path: Path) -> None:
    x = np.random.default_rng(0).random((300, 16), dtype=np.float32)
    path = tmp_path / "mine.npy"
    np.save(path, x)
    run = train(tmp_path / "run", 200, "data=array", f"data.path={path}", "hidden_dim=5")
    model = package.load(run)
    assert len(model.test().x) > 0
    np.save(path, x + np.float32(1e-3) * (x < 0.5))
    assert (
        len(package.load(run).decode(np.zeros((1, 2), np.float32))) == 1
    )  # a model needs its data only for what reads data
    assert answer(package.load(run).test).startswith(f"data.path={path}: not the data that {run} began with")
    assert answer(lambda: export_run(run)).startswith(f"data.path={path}: not the data that {run} began with")


@pytest.mark.fault(
    "a command that draws figures is killed", "the next command removes its half-written files, and no others"
)
def test_a_killed_figure_is_cleaned_by_the_next(good: Path, tmp_path: Path) -> None:
    folder = tmp_path / "figures"
    folder.mkdir()
    pid = a_dead_process()
    left, living = folder / f".aevb-tmp-table.pdf-{pid}", folder / f".aevb-tmp-table.pdf-{os.getppid()}"
    somebody = [folder / f".table.pdf-{pid}", folder / f"notes-{pid}", folder / "below" / f".aevb-tmp-x-{pid}"]
    somebody[-1].parent.mkdir()
    (folder / f".aevb-tmp-folder-{pid}").mkdir()
    for path in (left, living, *somebody):
        path.write_text("half")
    Table().draw(good, folder)
    assert not left.exists()
    assert living.exists()
    assert all(path.read_text() == "half" for path in somebody)
    assert (folder / f".aevb-tmp-folder-{pid}").is_dir()
