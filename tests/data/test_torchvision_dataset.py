"""The data sets that torchvision reads: made files in the true formats, from a server on this machine.

The published files are too large for a test, and their hashes are torchvision's own; here torchvision's tables of
hashes are those of the made files.
"""

import builtins
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from aevb.data.cifar10 import CIFAR10
from aevb.data.emnist import EMNIST
from aevb.data.fashion_mnist import FashionMNIST
from aevb.data.kmnist import KMNIST
from aevb.data.qmnist import QMNIST
from aevb.data.svhn import SVHN
from aevb.data.torchvision_dataset import TorchvisionDataset
from aevb.data.torchvision_import import import_datasets
from aevb.data.usps import USPS
from aevb.errors import UserError
from helpers import vision_files
from helpers.local_mirror import LocalMirror
from helpers.vision_files import COLOUR, GREY, LABEL, TEST

LUMA = np.stack([np.asarray(Image.fromarray(image).convert("L")) for image in COLOUR])
KINDS: dict[type[TorchvisionDataset], tuple[Callable[..., dict[str, bytes]], np.ndarray]] = {
    FashionMNIST: (vision_files.mnist_like, GREY),
    KMNIST: (vision_files.mnist_like, GREY),
    QMNIST: (vision_files.qmnist, GREY),
    EMNIST: (vision_files.emnist, GREY),
    USPS: (vision_files.usps, GREY[:, :16, :16]),
    SVHN: (vision_files.svhn, LUMA),
    CIFAR10: (vision_files.cifar10, LUMA),
}


@pytest.fixture(params=list(KINDS), ids=lambda kind: kind.name)
def made(
    request: Any, mirror: LocalMirror, monkeypatch: pytest.MonkeyPatch
) -> tuple[Any, np.ndarray, dict[str, bytes]]:
    """The class, its images, and the files that the mirror serves."""
    kind = request.param
    write, images = KINDS[kind]
    files = write(monkeypatch, getattr(import_datasets(), kind.__name__))
    monkeypatch.setattr(kind, "n_valid", 3, raising=False)
    mirror.files.update({name: (raw, "whole") for name, raw in files.items()})
    return kind, images, files


def test_the_images_are_downloaded_once_and_divided(
    made: tuple[Any, np.ndarray, dict[str, bytes]], mirror: LocalMirror, tmp_path: Path
) -> None:
    kind, images, files = made
    n_valid = TEST if kind is EMNIST else 3
    data = kind(root=str(tmp_path), mirror=mirror.url)
    train, valid, test = data.load()
    assert [len(part.x) for part in (train, valid, test)] == [8 - n_valid, n_valid, TEST]
    assert data.shape == images.shape[1:]
    levels = np.rint(np.concatenate([train.x, valid.x, test.x]) * 255).reshape(images.shape)
    assert np.abs(levels - images).max() <= (1 if kind is USPS else 0)  # USPS: text with six digits, cut to bytes
    assert np.array_equal(np.concatenate([train.label, valid.label, test.label]), LABEL)
    assert sorted(mirror.asked) == sorted(files)
    again = kind(root=str(tmp_path), download=False, n_train=2, targets="threshold").load()
    assert np.array_equal(again.train.x, (train.x[:2] * 255 >= 127.5))
    assert np.array_equal(kind(root=str(tmp_path), scale=256).load().test.x * 256, np.rint(test.x * 255))
    assert sorted(mirror.asked) == sorted(files)
    if kind in (SVHN, CIFAR10):
        data = kind(root=str(tmp_path), colour=True)
        x = np.concatenate([part.x for part in data.load()])
        assert data.shape == (32, 32, 3)
        assert np.array_equal(np.rint(x * 255).reshape(COLOUR.shape), COLOUR)


def test_damaged_files_are_never_read(
    made: tuple[Any, np.ndarray, dict[str, bytes]], mirror: LocalMirror, tmp_path: Path
) -> None:
    kind, _, files = made
    kind(root=str(tmp_path), mirror=mirror.url).load()
    name, raw = next(iter(files.items()))
    (path,) = tmp_path.rglob(name)
    middle = len(raw) // 2
    for bad in (raw[:middle], raw[:middle] + bytes([raw[middle] ^ 1]) + raw[middle + 1 :]):
        path.write_bytes(bad)
        with pytest.raises(UserError) as caught:
            kind(root=str(tmp_path), mirror=mirror.url).load()
        assert str(caught.value).startswith(f"{path}: altered or truncated: ")
        path.unlink()
        mirror.files[name] = bad, "whole"
        with pytest.raises(UserError, match=rf"data={kind.name} needs {name} .*delivers .* expected md5"):
            kind(root=str(tmp_path), mirror=mirror.url).load()
        assert [*tmp_path.rglob(f"*{name}*")] == []


@pytest.mark.parametrize(
    ("behaviour", "words"), [("breaks", "broke off"), ("mute", "no answer"), ("stalls", "no answer")]
)
def test_a_failing_server_leaves_nothing(
    mirror: LocalMirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, behaviour: str, words: str
) -> None:
    from aevb.data import torchvision_dataset
    from aevb.data.archives import obtain_archives

    files = vision_files.usps(monkeypatch, import_datasets().USPS)
    mirror.files.update({name: (raw, behaviour) for name, raw in files.items()})
    monkeypatch.setattr(
        torchvision_dataset, "obtain_archives", lambda *arguments: obtain_archives(*arguments, timeout=2)
    )
    with pytest.raises(UserError, match=words):
        USPS(root=str(tmp_path / "data"), mirror=mirror.url).load()
    assert [*tmp_path.iterdir()] == []  # no folder either


def test_nothing_there_names_the_address_and_the_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        CIFAR10(root=str(tmp_path), download=False).load()
    for words in (
        "data=cifar10 needs cifar-10-python.tar.gz (data.download=false)",
        "https://www.cs.toronto.edu",
        str(tmp_path),
    ):
        assert words in str(caught.value)


def test_a_torchvision_that_does_not_fit_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def broken(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("torchvision"):
            raise RuntimeError("operator torchvision::nms does not exist")
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", broken)
    with pytest.raises(
        UserError, match=r"torchvision=.*: does not fit torch=.* try: pip install --force-reinstall"
    ) as caught:
        import_datasets()
    assert "\n" not in str(caught.value)


@pytest.mark.process
def test_a_worker_with_such_a_torchvision_says_one_line(tmp_path: Path) -> None:
    (tmp_path / "torchvision.py").write_text('raise RuntimeError("operator torchvision::nms does not exist")')
    code = "from aevb.execution.child_process import _child; _child('aevb.execution.worker', ['outputs/runs/a'])"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert child.returncode == 2
    assert child.stderr.count("\n") == 1
    assert child.stderr.startswith("outputs/runs/a: torchvision=")


def test_modules_of_these_data_sets_are_light() -> None:
    code = "import sys, aevb.data.svhn, aevb.data.emnist; assert not {'torch', 'torchvision'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
