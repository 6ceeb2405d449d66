"""Folders of images: as torchvision's ImageFolder reads them, plain, in splits; and what is refused."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aevb.data.array import ArrayDataset
from aevb.data.image_folder import read_folder
from aevb.errors import UserError

IMAGES = np.random.RandomState(0).randint(0, 256, (12, 5, 4)).astype(np.uint8)


def write(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)


def classes(folder: Path) -> Path:
    for index, image in enumerate(IMAGES):
        write(folder / ("cat", "ant", "bee")[index % 3] / f"{index:02}.png", image)
    return folder


def test_classes_are_those_of_torchvision(tmp_path: Path) -> None:
    datasets = pytest.importorskip("torchvision.datasets")
    write(classes(tmp_path) / "bee" / "deeper" / "13.png", IMAGES[0])
    oracle = datasets.ImageFolder(tmp_path)
    arrays, source = read_folder(tmp_path)
    assert source == "a folder of 13 images in 3 classes"
    assert arrays["label"].tolist() == oracle.targets
    assert np.array_equal(arrays["x"], [np.asarray(image.convert("L")) for image, _ in oracle])


def test_plain_folders_and_splits(tmp_path: Path) -> None:
    for index, image in enumerate(IMAGES[:3]):
        write(tmp_path / "plain" / f"{index}.png", image)
    (tmp_path / "plain" / ".hidden.png").write_bytes(b"no image")
    (tmp_path / "plain" / "notes.txt").write_text("no image")
    arrays, _ = read_folder(tmp_path / "plain")
    assert set(arrays) == {"x"}
    assert np.array_equal(arrays["x"], IMAGES[:3])
    classes(tmp_path / "parts" / "train")
    write(tmp_path / "parts" / "test" / "dog" / "1.png", IMAGES[0])
    splits = ArrayDataset(str(tmp_path / "parts")).load()
    assert [len(part.x) for part in splits] == [12, 0, 1]
    assert np.bincount(splits.train.label).tolist() == [4, 4, 4]


def test_a_class_has_one_number_in_all_splits(tmp_path: Path) -> None:
    classes(tmp_path / "train")
    for name in ("bee", "cat", "dog"):
        write(tmp_path / "test" / name / "1.png", IMAGES[0])
    arrays, source = read_folder(tmp_path)
    assert sorted(set(arrays["train_label"].tolist())) == [0, 1, 2]
    assert arrays["test_label"].tolist() == [1, 2, 3]
    assert source == "a folder of 15 images in 4 classes"


@pytest.mark.parametrize("names", [("Train", "Test"), ("training", "testing"), ("train", "validation")])
def test_other_names_of_the_splits(tmp_path: Path, names: tuple[str, str]) -> None:
    for name, image in zip(names, IMAGES, strict=False):
        write(tmp_path / name / "1.png", image)
    arrays, _ = read_folder(tmp_path)
    assert np.array_equal(arrays["train"][0], IMAGES[0])
    assert np.array_equal(arrays["valid" if "validation" in names else "test"][0], IMAGES[1])


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("train", "val", "valid"), "the folders val and valid are one split"),
        (("train", "test", "extra"), r"the folder extra beside those of splits \(train, test\)"),
        (("test", "val"), "the folder test without one named train"),
    ],
)
def test_splits_that_are_not_clear(tmp_path: Path, names: tuple[str, ...], words: str) -> None:
    for name in names:
        write(tmp_path / name / "1.png", IMAGES[0])
    with pytest.raises(UserError, match=words):
        read_folder(tmp_path)


def test_a_class_may_be_named_like_a_split(tmp_path: Path) -> None:
    for name in ("bus", "train"):
        write(tmp_path / name / "1.png", IMAGES[0])
    assert read_folder(tmp_path)[0]["label"].tolist() == [0, 1]


def test_hidden_folders_in_a_class_are_left_out(tmp_path: Path) -> None:
    write(classes(tmp_path) / "ant" / ".ipynb_checkpoints" / "01-checkpoint.png", IMAGES[0])
    assert len(read_folder(tmp_path)[0]["x"]) == len(IMAGES)


def test_colour_becomes_grey_by_the_luma(tmp_path: Path) -> None:
    colour = np.stack([IMAGES[0], IMAGES[1], IMAGES[2]], -1)
    write(tmp_path / "1.png", colour)
    arrays, source = read_folder(tmp_path)
    luma = colour @ np.array([0.299, 0.587, 0.114])
    assert np.abs(arrays["x"][0] - luma).max() <= 1
    assert source == "a folder of 1 image, 1 of them in colour, made grey"


def test_the_description_says_what_is_left_out(tmp_path: Path) -> None:
    """Black letters on a transparent ground are all black without their transparency."""
    write(tmp_path / "a" / "1.png", np.zeros((5, 4, 4), np.uint8))
    write(tmp_path / "a" / "2.png", IMAGES[0])
    write(tmp_path / "a" / "3.GIF", IMAGES[0])
    (tmp_path / "a" / "notes.txt").write_text("no image")
    write(tmp_path / "a" / ".thumbnails" / "1.gif", IMAGES[0])
    arrays, source = read_folder(tmp_path)
    assert len(arrays["x"]) == 2
    assert source == (
        "a folder of 2 images in 1 class, 1 of them in colour, made grey, the transparency of 1 not used, 1 file not read (3.GIF)"
    )


def test_what_is_refused(tmp_path: Path) -> None:
    def refused(words: str) -> None:
        with pytest.raises(UserError, match=words) as caught:
            ArrayDataset(str(tmp_path)).load()
        assert str(caught.value).startswith(f"data.path={tmp_path}: ")
        assert "\n" not in str(caught.value)

    refused("a folder without images")
    (tmp_path / "a").mkdir()
    refused("the folder a holds no images")
    write(tmp_path / "1.png", IMAGES[0])
    refused(r"images beside folders \(1\.png, a\)")
    (tmp_path / "a").rmdir()
    write(tmp_path / "2.png", IMAGES[0][:, :3])
    refused(r"2\.png has 5 x 3 pixels, the first image 5 x 4; .* try: image\.resize\(\(4, 5\)\)")
    (tmp_path / "2.png").write_bytes((tmp_path / "1.png").read_bytes()[:40])
    refused(r"2\.png is no image")
    write(tmp_path / "2.png", IMAGES[0].astype(np.uint16) * 257)
    refused(r"2\.png has mode I;16; allowed: 8 bits")
