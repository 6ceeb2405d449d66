"""One image of a folder: what Pillow warns of, what is refused, and the name in the message."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aevb.data.image_file import pixels_of, size_of
from aevb.errors import UserError

IMAGE = np.random.RandomState(0).randint(0, 256, (5, 4)).astype(np.uint8)


@pytest.mark.filterwarnings("error")
def test_a_palette_with_transparency_is_an_image(tmp_path: Path) -> None:
    palette = Image.fromarray(IMAGE).convert("RGB").quantize(8)
    palette.save(tmp_path / "1.png", transparency=bytes([0, 128] + [255] * 6))
    levels, coloured, transparent = pixels_of(tmp_path / "1.png", tmp_path, (5, 4), "L")
    assert coloured
    assert transparent
    assert np.array_equal(levels, np.asarray(palette.convert("L")))


def test_grey_with_transparency_is_not_in_colour(tmp_path: Path) -> None:
    Image.fromarray(IMAGE).convert("LA").save(tmp_path / "1.png")
    levels, coloured, transparent = pixels_of(tmp_path / "1.png", tmp_path, (5, 4), "L")
    assert not coloured
    assert not transparent
    assert np.array_equal(levels, IMAGE)


def test_transparency_of_one_pixel(tmp_path: Path) -> None:
    alpha = np.full_like(IMAGE, 255)
    alpha[2, 1] = 254
    Image.merge("LA", [Image.fromarray(IMAGE), Image.fromarray(alpha)]).save(tmp_path / "1.png")
    assert pixels_of(tmp_path / "1.png", tmp_path, (5, 4), "L").transparent


@pytest.mark.parametrize("suffix", ["tif", "png", "webp"])
def test_a_file_of_several_images_is_refused(tmp_path: Path, suffix: str) -> None:
    """A stack of a microscope, say, of which the first page alone was read."""
    image = Image.fromarray(IMAGE)
    image.save(tmp_path / f"1.{suffix}", save_all=True, append_images=[Image.fromarray(255 - IMAGE)])
    with pytest.raises(UserError, match=rf"^1\.{suffix} holds 2 images; allowed: one in each file; try: "):
        pixels_of(tmp_path / f"1.{suffix}", tmp_path, (5, 4), "L")


def test_a_message_names_the_file_within_the_folder(tmp_path: Path) -> None:
    (tmp_path / "cat").mkdir()
    path = tmp_path / "cat" / "1.png"
    path.write_bytes(b"no image")
    with pytest.raises(UserError, match=r"^cat/1\.png is no image; try: remove or replace it$"):
        size_of(path, tmp_path)
    path.unlink()
    path.symlink_to(tmp_path / "nowhere.png")
    with pytest.raises(UserError, match=r"^cat/1\.png is no image \(No such file or directory\)"):
        size_of(path, tmp_path)
    Image.fromarray(IMAGE).save(tmp_path / "2.png")
    path.unlink()
    path.symlink_to(tmp_path / "2.png")
    assert size_of(path, tmp_path) == (5, 4)


def test_a_decompression_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.fromarray(IMAGE).save(tmp_path / "1.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 15)
    with pytest.raises(UserError, match=r"1\.png is no image \(Image size \(20 pixels\) exceeds limit"):
        size_of(tmp_path / "1.png", tmp_path)
