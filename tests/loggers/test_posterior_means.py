"""posterior_means.npz, which a resumed run and a figure read, may be damaged."""

import io
from pathlib import Path

import numpy as np
import pytest

from aevb import runs
from aevb.errors import UserError
from aevb.loggers.posterior_means import read_posterior_means
from aevb.runs import layout
from aevb.training import train_run
from helpers.small_run import change, settings_of_a_small_run

GOOD = {"samples_seen": np.arange(3), "mean": np.zeros((3, 5, 2), np.float32), "label": np.arange(5)}


def archive(**arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def test_what_was_written_is_read(tmp_path: Path) -> None:
    (tmp_path / layout.POSTERIOR_MEANS).write_bytes(archive(**GOOD))
    seen, mean, label = read_posterior_means(tmp_path)
    assert (seen.shape, mean.shape, label.shape) == ((3,), (3, 5, 2), (5,))


@pytest.mark.fault("posterior_means.npz is damaged or holds other arrays", "refused by its name")
@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x1b[31mred",
        archive(),
        archive(x=np.zeros(3)),
        archive(**{**GOOD, "samples_seen": np.arange(2)}),
        archive(**{**GOOD, "mean": np.zeros(3)}),
        archive(**{**GOOD, "label": np.array(list("abcde"))}),
        archive(**GOOD)[:200],
    ],
    ids=["empty", "bytes", "no arrays", "another array", "lengths", "shape", "type", "truncated"],
)
def test_a_damaged_file_is_refused_by_its_name(raw: bytes, tmp_path: Path) -> None:
    path = tmp_path / layout.POSTERIOR_MEANS
    path.write_bytes(raw)
    with pytest.raises(UserError) as error:
        read_posterior_means(tmp_path)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)
    assert str(error.value).endswith("try: remove it")


def test_another_number_of_images_is_refused_in_one_line(tmp_path: Path) -> None:
    settings = {**settings_of_a_small_run(tmp_path), "output_dir": str(tmp_path)}
    run = tmp_path / "run"
    for images, max_samples in ((20, 1000), (20, 2000)):
        settings["logger"] = {"_target_": "aevb.loggers.posterior_means.PosteriorMeans", "images": images}
        runs.prepare(run, change(settings, max_samples=max_samples))
        train_run.run(run)
    assert read_posterior_means(run)[1].shape[1] == 20
    settings["logger"]["images"] = 30
    runs.prepare(run, change(settings, max_samples=3000))
    with pytest.raises(UserError, match=r"^logger\.images=30: .* has 20 images .*; try: logger\.images=20$"):
        train_run.run(run)
