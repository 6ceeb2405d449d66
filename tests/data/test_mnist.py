"""Real MNIST: content, split, conventions, and files that are not it."""

import gzip
import hashlib
from pathlib import Path

import numpy as np
import pytest

from aevb.data import mnist
from aevb.data.dataset import Splits
from aevb.data.mnist import MNIST
from aevb.data.verified_files import Published
from aevb.errors import UserError
from helpers.local_mirror import LocalMirror

NAMES = [file.name for file in mnist.IDX.files]


@pytest.fixture(scope="module")
def grey(real: Path) -> Splits:
    return MNIST(root=str(real), download=False).load()


def lay(real: Path, folder: Path, packed: bool = True) -> None:
    """Puts the four real files into `folder`, as links to the archives or unpacked."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in NAMES:
        archive = real / "MNIST" / "raw" / f"{name}.gz"
        if packed:
            (folder / archive.name).symlink_to(archive)
        else:
            (folder / name).write_bytes(gzip.decompress(archive.read_bytes()))


def test_the_split_is_the_papers(real: Path, grey: Splits) -> None:
    assert [part.x.shape for part in grey] == [(50000, 784), (10000, 784), (10000, 784)]
    assert all(part.x.dtype == np.float32 and part.label.dtype == np.int64 for part in grey)
    # the first labels and the class counts as everybody prints them
    assert grey.train.label[:5].tolist() == [5, 0, 4, 1, 9]
    assert grey.valid.label[:5].tolist() == [3, 8, 6, 9, 6]
    assert grey.test.label[:5].tolist() == [7, 2, 1, 0, 4]
    assert np.bincount(grey.test.label).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    # train and valid are the published file cut in two: nothing lost, nothing twice
    content = gzip.decompress((real / "MNIST" / "raw" / "train-images-idx3-ubyte.gz").read_bytes())
    both = np.concatenate([grey.train.x, grey.valid.x])
    assert np.rint(both * 255).astype(np.uint8).tobytes() == content[16:]


def test_entropy_and_mean_image_give_the_known_nats(grey: Splits) -> None:
    p = np.clip(grey.train.x.mean(0, dtype=np.float64), 1e-6, 1 - 1e-6)
    levels = np.arange(1, 255) / 255  # the entropy of a black or a white pixel is 0
    entropy = -(levels * np.log(levels) + (1 - levels) * np.log1p(-levels))
    for part, ceiling, mean_image in ((grey.train, -45.72, -206.29), (grey.test, -45.53, -205.81)):
        pixels = np.bincount(np.rint(part.x * 255).astype(np.uint8).ravel(), minlength=256)[1:255]
        assert -(pixels @ entropy) / len(part.x) == pytest.approx(ceiling, abs=0.005)
        x = part.x.mean(0, dtype=np.float64)  # log p(x) is linear in x
        assert x @ np.log(p) + (1 - x) @ np.log1p(-p) == pytest.approx(mean_image, abs=0.005)


def test_targets_are_what_their_names_say(real: Path, grey: Splits) -> None:
    byte = np.rint(grey.test.x * 255)
    dynamic, threshold = (MNIST(root=str(real), targets=kind) for kind in ("dynamic", "threshold"))
    assert (MNIST().dynamic, dynamic.dynamic, threshold.dynamic) == (False, True, False)
    assert np.array_equal(dynamic.load().test.x, grey.test.x)
    assert np.array_equal(threshold.load().test.x, byte >= 128)
    finer = MNIST(root=str(real), scale=256)
    assert np.array_equal(finer.load().test.x, (byte / 256).astype(np.float32))
    conventions = [str(data.convention) for data in (MNIST(), finer, dynamic, threshold, MNIST(targets="fixed"))]
    assert conventions[:2] == ["grey/255", "grey/256"]
    assert len(set(conventions)) == 5


def test_a_small_training_set_is_the_first_images(real: Path, grey: Splits) -> None:
    small = MNIST(root=str(real), n_train=1000).load()
    assert np.array_equal(small.train.x, grey.train.x[:1000])
    assert np.array_equal(small.train.label, grey.train.label[:1000])
    assert np.bincount(small.train.label).min() > 80  # of every class
    assert np.array_equal(small.test.x, grey.test.x)
    assert np.array_equal(small.valid.x, grey.valid.x)


@pytest.mark.parametrize("layout", [".", "MNIST/raw"])
@pytest.mark.parametrize("packed", [True, False])
def test_both_layouts_packed_or_not(real: Path, tmp_path: Path, grey: Splits, layout: str, packed: bool) -> None:
    lay(real, tmp_path / layout, packed)
    splits = MNIST(root=str(tmp_path), download=False).load()
    assert np.array_equal(splits.test.x, grey.test.x)
    assert np.array_equal(splits.train.label, grey.train.label)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("fault", ["truncated", "altered"])
def test_damaged_files_are_never_trained_on(real: Path, tmp_path: Path, name: str, packed: bool, fault: str) -> None:
    lay(real, tmp_path)
    archive = tmp_path / f"{name}.gz"
    path = archive if packed else tmp_path / name
    raw = archive.read_bytes() if packed else gzip.decompress(archive.read_bytes())
    archive.unlink()
    middle = len(raw) // 2
    changed = raw[:middle] if fault == "truncated" else raw[:middle] + bytes([raw[middle] ^ 1]) + raw[middle + 1 :]
    path.write_bytes(changed)
    with pytest.raises(UserError) as caught:
        MNIST(root=str(tmp_path)).load()
    assert str(caught.value).startswith(f"{path}: altered or truncated: ")


def test_nothing_there_and_no_network(tmp_path: Path, closed: str) -> None:
    root = tmp_path / "nowhere"
    with pytest.raises(UserError) as caught:
        MNIST(root=str(root), mirror=closed).load()
    message = str(caught.value)
    assert message.startswith(f"data.root={root}: no such folder")
    for words in (
        *NAMES,
        str(root / "MNIST" / "raw"),
        "https://ossci-datasets",
        "http://yann.lecun.com",
        "data=digits",
    ):
        assert words in message


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"n_train": 60000}, r"data\.n_train=60000: out of range; allowed: 1 to 50000"),
        ({"n_train": 0}, r"data\.n_train=0"),
        ({"targets": "gray"}, r"data\.targets=gray: not known; allowed: grey, dynamic, threshold, fixed"),
        ({"scale": 128}, r"data\.scale=128: not known; allowed: 255, 256"),
        ({"targets": "fixed", "scale": 256}, r"data\.scale=256: data\.targets=fixed has no grey levels"),
    ],
)
def test_impossible_settings_name_their_key(arguments: dict[str, object], words: str) -> None:
    with pytest.raises(UserError, match=words):
        MNIST(**arguments)  # type: ignore[arg-type]


def test_fixed_refuses_to_run_without_the_published_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = MNIST(root=str(tmp_path), targets="fixed", download=False)
    with pytest.raises(UserError) as caught:
        data.load()
    message = str(caught.value)
    for words in (
        "binarized_mnist_train.amat",
        "binarized_mnist_valid.amat",
        "larocheh",
        "(data.download=false)",
        "data.targets=dynamic",
    ):
        assert words in message
    # files of another content are refused; those whose hash is the published one are read
    x = np.random.RandomState(0).randint(0, 2, (6, 784))
    published = []
    for file, rows in zip(mnist.BINARIZED.files, (x[:3], x[3:5], x[5:]), strict=True):
        raw = "".join(" ".join(map(str, row)) + "\n" for row in rows).encode()
        (tmp_path / file.name).write_bytes(raw)
        published.append(Published(file.name, file.name, "sha256", hashlib.sha256(raw).hexdigest(), len(raw)))
    with pytest.raises(
        UserError,
        match=r"binarized_mnist_train\.amat: altered .* 78,400,000 bytes .*; delete it to download it again, or put a good copy there$",
    ):
        data.load()
    monkeypatch.setattr(mnist, "BINARIZED", mnist.BINARIZED._replace(files=tuple(published)))
    splits = data.load()
    assert [len(part.x) for part in splits] == [3, 2, 1]
    assert np.array_equal(np.concatenate([part.x for part in splits]), x)
    assert not any(part.label.any() for part in splits)


def test_fixed_is_downloaded_and_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mirror: LocalMirror) -> None:
    raw = {file.name: (f"{index} " * 784).strip().encode() + b"\n" for index, file in enumerate(mnist.BINARIZED.files)}
    files = tuple(
        file._replace(digest=hashlib.sha256(raw[file.name]).hexdigest(), size=len(raw[file.name]))
        for file in mnist.BINARIZED.files
    )
    mirror.files.update({name: (text, "whole") for name, text in raw.items()})
    with pytest.raises(UserError, match="delivers 1,568 bytes with sha256"):  # not the published files
        MNIST(root=str(tmp_path), targets="fixed", mirror=mirror.url).load()
    monkeypatch.setattr(mnist, "BINARIZED", mnist.BINARIZED._replace(files=files))
    splits = MNIST(root=str(tmp_path), targets="fixed", mirror=mirror.url).load()
    assert [part.x.mean() for part in splits] == [0, 1, 0]
    assert all(url.startswith("http://www.cs.toronto.edu/~larocheh/") for url in mnist.BINARIZED.mirrors)
