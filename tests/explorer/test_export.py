"""What the page carries of a run."""

import base64
import inspect
import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from aevb.errors import UserError
from aevb.estimators.quadrature import quadrature
from aevb.explorer.export import POINTS, export_run
from aevb.explorer.images import choose, pack_images
from aevb.explorer.prior import GRID_RADIUS
from aevb.explorer.weights import encode_array, rounded
from helpers.commands import aevb
from helpers.explorer_pages import Page
from helpers.short_runs import train


def part(page: Page, name: str) -> dict:
    match = re.search(rf'<script[^>]* id="{name}">(.*?)</script>', page.file.read_text(), re.DOTALL)
    assert match
    return json.loads(match.group(1))


def test_nothing_comes_from_outside(page: Page) -> None:
    text = page.file.read_text()
    assert "default-src 'none'" in text
    assert "unsafe" not in text
    assert not re.search(r"""(src|href)\s*=\s*["']?\s*(https?:|//)""", text)
    assert "http:" not in text
    assert "https:" not in text


def test_the_same_run_gives_the_same_bytes(page: Page, tmp_path: Path) -> None:
    from aevb.explorer import write_page

    size = write_page([page.run], tmp_path / "again.html")
    assert (tmp_path / "again.html").read_bytes() == page.file.read_bytes()
    assert size == page.file.stat().st_size < 300_000


def test_images_and_points_are_those_of_the_test_split(page: Page) -> None:
    model = part(page, "models")[0]
    pixels = np.frombuffer(base64.b64decode(model["images"]["data"]), np.uint8).reshape(20, 64)
    np.testing.assert_array_equal(pixels[:5] / 16, page_images(page)[model["images"]["index"][:5]])
    assert model["points"]["count"] == 360 <= POINTS
    mean = np.frombuffer(base64.b64decode(model["points"]["mean"]), np.float32).reshape(-1, 2)
    with torch.no_grad():
        expected = page.model.encoder(page.x).mean
    np.testing.assert_allclose(mean[:40], expected, atol=0.01)  # the page's weights are rounded, its points are not


def test_the_numbers_of_a_conditional_model_are_given_the_label(pages: dict[str, Page]) -> None:
    model = part(pages["conditional"], "models")[0]
    assert model["convention"] == "grey/16, given the label"
    assert model["meaning"].endswith(
        "log p(x|y) given the label y, not comparable with log p(x) of a model without labels"
    )


def test_grid_is_as_wide_as_the_reference(page: Page) -> None:
    radius = inspect.signature(quadrature).parameters["radius"].default
    assert part(page, "models")[0]["grid_radius"] == GRID_RADIUS == radius


def page_images(page: Page) -> np.ndarray:
    from aevb.evaluation.loading import load_run

    return load_run(page.run).dataset.load().test.x


def test_weights_are_those_of_the_run(page: Page) -> None:
    weights = part(page, "weights-0")
    for name, value in page.model.state_dict().items():
        stored = np.frombuffer(base64.b64decode(weights[name]), np.float16)
        np.testing.assert_array_equal(stored.astype(np.float64), value.numpy().ravel())


def test_sharp_models_are_stored_in_single_precision(page: Page) -> None:
    from aevb.explorer.export import _precision
    from aevb.explorer.reference import noise_table

    assert _precision(page.model, page.x, noise_table(2)) == "float16"
    sharp = rounded(page.model, "float32")
    with torch.no_grad():
        sharp.decoder.logits.weight.mul_(1.0001).add_(30.0001)
    assert _precision(sharp, page.x, noise_table(2)) == "float32"


def test_choice_of_images() -> None:
    label = np.array([0, 1, 1, 0, 2, 0, 1, 2])
    missed = np.array([0, 0, 0, 0, 0, 3.0, 0, 0])
    assert choose(label, missed, 5).tolist() == [0, 3, 1, 4, 5]
    assert choose(np.zeros(3, int), np.zeros(3), 20).tolist() == [1, 2, 0]
    assert choose(label, None, 5).tolist() == [0, 3, 1, 2, 4]


def test_images_without_a_known_error_are_in_order_of_class(pages: dict[str, Page]) -> None:
    labels = part(pages["gaussian"], "models")[0]["images"]["label"]  # five latent dimensions
    assert labels == sorted(labels)


@pytest.mark.parametrize(("scale", "level"), [(1, 1), (16, 16), (255, 255), (256, 256)])
def test_bytes_are_exact(scale: int, level: int) -> None:
    x = np.arange(0, min(scale, 255) + 1, dtype=np.float32)[None] / np.float32(scale)
    packed = pack_images(x)
    assert packed["level"] == level
    assert packed["data"] == encode_array(np.arange(x.size), "uint8")


def test_real_numbers_are_kept() -> None:
    x = np.array([[0.1, -2.5, 1e4]], np.float32)
    packed = pack_images(x)
    assert packed["level"] is None
    np.testing.assert_array_equal(np.frombuffer(base64.b64decode(packed["data"]), np.float32), x[0])


@pytest.mark.process
def test_command(page: Page, tmp_path: Path) -> None:
    done = aevb("explore", str(page.run), "--output", "page.html", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("page.html (0.")
    assert (tmp_path / "page.html").read_bytes() == page.file.read_bytes()


@pytest.mark.process
def test_command_refuses_in_one_line(tmp_path: Path) -> None:
    done = aevb("explore", "nothing", folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "run=nothing: not a run" in done.stderr


def test_unfinished_runs_are_refused(tmp_path: Path) -> None:
    run = train(tmp_path / "run", 200)
    (run / "DONE").unlink()
    with pytest.raises(UserError, match="not finished"):
        export_run(run)
