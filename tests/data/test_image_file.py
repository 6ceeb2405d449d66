"""One image of a folder: what Pillow warns of, what is refused, and the name in the message."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageOps

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


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["png", "webp", "jpg"])
def test_an_image_is_read_as_it_is_looked_at(tmp_path: Path, orientation: int, suffix: str) -> None:
    """A camera held on its side stores the pixels as they come, and in EXIF how they are to be turned."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    options = {"lossless": True} if suffix == "webp" else {}
    Image.fromarray(np.kron(IMAGE, np.ones((8, 8), np.uint8))).save(tmp_path / f"1.{suffix}", exif=exif, **options)
    with Image.open(tmp_path / f"1.{suffix}") as image:
        upright = np.asarray(ImageOps.exif_transpose(image).convert("L"))
    assert size_of(tmp_path / f"1.{suffix}", tmp_path) == upright.shape == ((40, 32) if orientation < 5 else (32, 40))
    levels = pixels_of(tmp_path / f"1.{suffix}", tmp_path, upright.shape, "L").values
    assert np.array_equal(levels, upright)


def test_a_tiff_on_its_side_is_refused(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    Image.fromarray(IMAGE).save(tmp_path / "1.tif", exif=exif)
    for read in (lambda path: size_of(path, tmp_path), lambda path: pixels_of(path, tmp_path, (5, 4), "L")):
        with pytest.raises(
            UserError, match=r"^1\.tif has the orientation 6; allowed in a TIFF: 1, upright pixels; try: "
        ):
            read(tmp_path / "1.tif")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("1.png", lambda: png_of_16_bits(2, 3)),
        ("1.png", lambda: png_of_16_bits(4, 2)),
        ("1.png", lambda: png_of_16_bits(6, 4)),
        ("1.ppm", lambda: b"P6 2 2 65535\n" + bytes(24)),
    ],
    ids=["RGB", "LA", "RGBA", "PPM"],
)
def test_sixteen_bits_in_colour_are_refused(tmp_path: Path, name: str, content) -> None:
    """Pillow has no mode for them and gives the upper 8."""
    (tmp_path / name).write_bytes(content())
    with pytest.raises(UserError, match=rf"^{name} has 16 bits for each channel; allowed: 8 bits; try: an \.npy file"):
        pixels_of(tmp_path / name, tmp_path, (2, 2), "RGB")


def png_of_16_bits(colour_type: int, channels: int) -> bytes:
    rows = np.arange(4 * channels, dtype=">u2").reshape(2, -1)
    header = struct.pack(">IIBBBBB", 2, 2, 16, colour_type, 0, 0, 0)
    parts = (
        (b"IHDR", header),
        (b"IDAT", zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))),
        (b"IEND", b""),
    )
    chunks = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)
