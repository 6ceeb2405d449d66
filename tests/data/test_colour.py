"""Images in colour: an image is (rows, columns, 3), whatever the file has it in."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aevb.data.array import ArrayDataset
from aevb.errors import UserError
from helpers.commands import settings

IMAGES = np.random.RandomState(0).randint(0, 256, (20, 8, 4, 3)).astype(np.uint8)
LABELS = np.arange(20) % 4


def saved(folder: Path, **arrays: np.ndarray) -> str:
    np.savez(folder / "mine.npz", **arrays)
    return str(folder / "mine.npz")


@pytest.mark.parametrize("layout", ["last", "first", "flat", "float"])
def test_every_layout_is_the_same_images(tmp_path, layout):
    stored = {
        "last": IMAGES,
        "first": np.moveaxis(IMAGES, 3, 1),
        "flat": IMAGES.reshape(20, -1),
        "float": (IMAGES / 255).astype(np.float32),
    }[layout]
    shape = [8, 4, 3] if layout == "flat" else None
    dataset = ArrayDataset(saved(tmp_path, train=stored, test=stored), colour=True, shape=shape)
    splits = dataset.load()
    assert dataset.shape == (8, 4, 3)
    assert dataset.dim == 96
    np.testing.assert_allclose(splits.train.x, IMAGES.reshape(20, -1) / 255, rtol=1e-6)
    assert "20 train, 20 test of 8 x 4 x 3" in dataset.description
    assert "in colour" in str(dataset.convention)


def test_a_folder_is_read_in_colour_or_made_grey(tmp_path):
    for index, image in enumerate(IMAGES):
        (tmp_path / f"{LABELS[index]}").mkdir(exist_ok=True)
        Image.fromarray(image).save(tmp_path / f"{LABELS[index]}" / f"{index:02}.png")
    colour, grey = ArrayDataset(str(tmp_path), colour=True), ArrayDataset(str(tmp_path))
    x = np.concatenate([split.x for split in colour.load()])
    assert {row.tobytes() for row in (255 * x).round().astype(np.uint8)} == {
        image.reshape(-1).tobytes() for image in IMAGES
    }
    assert "20 of them in colour:" in colour.description
    assert grey.shape == (8, 4)
    assert "made grey" in grey.description


@pytest.mark.parametrize(
    ("stored", "arguments", "message"),
    [
        (IMAGES, {}, r"shape \(20, 8, 4, 3\); .*try: data.colour=true"),
        (IMAGES[..., 0], {"colour": True}, r"allowed with data.colour=true: .*try: data.colour=false"),
        (np.concatenate([IMAGES, IMAGES[..., :1]], -1), {"colour": True}, r"try: x\[..., :3\]"),
        (IMAGES.reshape(20, -1), {"colour": True}, r"data.shape=null: .*96 values.*try: data.shape=\[4,8,3\]"),
        (
            IMAGES.reshape(20, -1),
            {"colour": True, "shape": [8, 12]},
            r"allowed: \[rows,columns,3\] of 96 values; try: data.shape=\[4,8,3\]",
        ),
        (IMAGES, {"colour": True, "shape": [4, 8, 3]}, r"data.shape=\[4,8,3\]: .*has shape \(8, 4, 3\)"),
    ],
)
def test_what_is_no_image_in_colour_is_refused(tmp_path, stored, arguments, message):
    with pytest.raises(UserError, match=message):
        ArrayDataset(saved(tmp_path, x=stored), **arguments).load()


def test_colour_is_a_key_of_photographs_and_own_data():
    for data in ("svhn", "cifar10", "array"):
        extra = ["data.path=x.npz"] if data == "array" else []
        assert settings(f"data={data}", "data.colour=true", *extra)["data"]["colour"] is True
