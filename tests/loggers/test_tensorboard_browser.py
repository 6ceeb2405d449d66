"""TensorBoard's pages of a finished sweep, opened in a headless Chromium and looked at.

The screenshots stay in the tests' temporary folder, or in AEVB_SCREENSHOTS if that is set.
"""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--virtual-time-budget=8000",
    "--window-size=1600,1000",
)
# Curves drawn on the page's own thread: what workers draw, virtual time does not wait for.
TIME_SERIES = "?smoothing=0&forceSVG=true#timeseries"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the PATH: apt-get install chromium"),
]

Chromium = Callable[..., str]
Picture = Callable[[str, str], np.ndarray]


@pytest.fixture
def chromium(tensorboard: str, tmp_path: Path) -> Chromium:
    def chromium(page: str, *options: str) -> str:
        command = [str(CHROMIUM), *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", *options, tensorboard + page]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout

    return chromium


@pytest.fixture
def look(chromium: Chromium, tmp_path: Path) -> Picture:
    """The picture of a page below TensorBoard's orange header, (height, width, 3) bytes."""

    def look(page: str, name: str) -> np.ndarray:
        file = Path(os.environ.get("AEVB_SCREENSHOTS", tmp_path)) / f"{name}.png"
        chromium(page, f"--screenshot={file}")
        picture = np.asarray(Image.open(file).convert("RGB"))
        assert picture.shape == (1000, 1600, 3)
        header, body = picture[:64], picture[64:]
        assert (header == (245, 124, 0)).all(-1).mean() > 0.8, "this is no page of TensorBoard"
        return body

    return look


def colours(picture: np.ndarray) -> int:
    return len(np.unique(picture.reshape(-1, 3), axis=0))


def saturated(picture: np.ndarray) -> np.ndarray:
    """Which pixels are coloured, as curves are and text, grids and digits are not."""
    spread = picture.max(-1).astype(int) - picture.min(-1)
    return spread > 25


def test_the_page_names_every_run_and_the_bounds(chromium: Chromium) -> None:
    page = chromium(TIME_SERIES, "--dump-dom")
    for wanted in ("digits-z2/tb", "digits-z5/tb", "digits-z10/tb", "digits-z20/tb", "bound/train", "bound/test"):
        assert wanted in page


def test_time_series(look: Picture) -> None:
    cards = look(TIME_SERIES, "timeseries")[200:480, 330:1340]
    left, right = np.split(cards, 2, axis=1)
    assert saturated(left).sum() > 300, "no curve of the test bound"
    assert saturated(right).sum() > 300, "no curve of the train bound"


def test_custom_scalars(look: Picture) -> None:
    chart = look("#custom_scalars&_smoothingWeight=0", "custom_scalars")[100:290, 440:720]
    assert saturated(chart).sum() > 300, "no curves"
    assert len(np.unique(chart[saturated(chart)] // 64, axis=0)) >= 3, "the runs have one colour"


def test_images(look: Picture) -> None:
    body = look("#images", "images")[210:, 370:]
    grey = (body.max(-1) == body.min(-1)) & (body.max(-1) > 20) & (body.max(-1) < 200)
    assert grey.mean() > 0.15, "no pictures"
    assert colours(body) > 100


def test_hparams(look: Picture) -> None:
    table = look("#hparams", "hparams")[60:280, 330:]
    dark = table.max(-1) < 110
    rows = dark.sum(1) > 20
    lines = int((np.diff(rows.astype(int)) == 1).sum())
    assert lines >= 5, "a heading and four runs"


def test_projector(look: Picture) -> None:
    canvas = look("#projector", "projector")[80:, 330:1280]
    assert (canvas.max(-1) < 60).mean() > 0.01, "no points: their images are dark"
    assert colours(canvas) > 100
