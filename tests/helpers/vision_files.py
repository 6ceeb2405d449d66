"""Small files in the formats of the data sets that torchvision reads, made of random images."""

import bz2
import gzip
import hashlib
import io
import pickle
import struct
import tarfile
import zipfile
from typing import Any

import numpy as np
import pytest

RANDOM = np.random.RandomState(0)
GREY = RANDOM.randint(0, 256, (12, 28, 28)).astype(np.uint8)
LABEL = np.arange(12) % 10
TEST = 4  # images of the test set; the other eight are published as training set


def md5(raw: bytes) -> str:
    return hashlib.md5(raw, usedforsecurity=False).hexdigest()


def idx(values: np.ndarray) -> bytes:
    """The idx format of MNIST: bytes, or 32-bit integers for QMNIST's labels."""
    kind, raw = (0x08, values.astype(np.uint8)) if values.ndim != 2 else (0x0C, values.astype(">i4"))
    return struct.pack(f">HBB{values.ndim}I", 0, kind, values.ndim, *values.shape) + raw.tobytes()


def idx_files(names: tuple[str, ...], label: np.ndarray = LABEL) -> dict[str, bytes]:
    parts = (GREY[:-TEST], label[:-TEST], GREY[-TEST:], label[-TEST:])
    return {name: gzip.compress(idx(part)) for name, part in zip(names, parts, strict=True)}


def mnist_like(patch: pytest.MonkeyPatch, kind: Any) -> dict[str, bytes]:
    files = idx_files(tuple(name for name, _ in kind.resources))
    patch.setattr(kind, "resources", [(name, md5(raw)) for name, raw in files.items()])
    return files


def qmnist(patch: pytest.MonkeyPatch, kind: Any) -> dict[str, bytes]:
    label = np.stack([LABEL, *[np.arange(12)] * 7], 1)
    urls = [url for part in ("train", "test") for url, _ in kind.resources[part]]
    files = idx_files(tuple(url.rpartition("/")[2] for url in urls), label)
    pairs = [(url, md5(files[url.rpartition("/")[2]])) for url in urls]
    patch.setattr(kind, "resources", {"train": pairs[:2], "test": pairs[2:]})
    return files


def emnist(patch: pytest.MonkeyPatch, kind: Any) -> dict[str, bytes]:
    names = [f"{part}-{what}" for part in ("train", "test") for what in ("images-idx3-ubyte", "labels-idx1-ubyte")]
    parts = (GREY[:-TEST], LABEL[:-TEST], GREY[-TEST:], LABEL[-TEST:])
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, part in zip(names, parts, strict=True):
            stored = part.transpose(0, 2, 1) if part.ndim == 3 else part
            archive.writestr(f"gzip/emnist-digits-{name}.gz", gzip.compress(idx(stored)))
    patch.setattr(kind, "md5", md5(buffer.getvalue()))
    return {"gzip.zip": buffer.getvalue()}


def usps(patch: pytest.MonkeyPatch, kind: Any) -> dict[str, bytes]:
    files, split_list = {}, {}
    for part, rows in (("train", slice(0, -TEST)), ("test", slice(-TEST, None))):
        lines = [
            f"{label + 1} "
            + " ".join(f"{index + 1}:{value / 127.5 - 1:.6f}" for index, value in enumerate(image.ravel()))
            for image, label in zip(GREY[rows, :16, :16], LABEL[rows], strict=True)
        ]
        url, name, _ = kind.split_list[part]
        files[name] = bz2.compress("\n".join(lines).encode() + b"\n")
        split_list[part] = [url, name, md5(files[name])]
    patch.setattr(kind, "split_list", split_list)
    return files


COLOUR = RANDOM.randint(0, 256, (12, 32, 32, 3)).astype(np.uint8)


def svhn(patch: pytest.MonkeyPatch, kind: Any) -> dict[str, bytes]:
    from scipy.io import savemat

    files, split_list = {}, {}
    for part, rows in (("train", slice(0, -TEST)), ("test", slice(-TEST, None))):
        buffer = io.BytesIO()
        label = np.where(LABEL[rows] == 0, 10, LABEL[rows]).astype(np.uint8)
        savemat(buffer, {"X": COLOUR[rows].transpose(1, 2, 3, 0), "y": label[:, None]})
        url, name, _ = kind.split_list[part]
        files[name] = buffer.getvalue()
        split_list[part] = [url, name, md5(files[name])]
    patch.setattr(kind, "split_list", split_list)
    return files


def cifar10(patch: pytest.MonkeyPatch, kind: Any) -> dict[str, bytes]:
    rows = {f"data_batch_{k}": slice(2 * k - 2, 2 * k) for k in range(1, 5)} | {"data_batch_5": slice(8, 8)}
    rows["test_batch"] = slice(8, 12)
    flat = COLOUR.transpose(0, 3, 1, 2).reshape(12, -1)
    batches = {
        name: pickle.dumps({"data": flat[part], "labels": LABEL[part].tolist()}, 2) for name, part in rows.items()
    }
    batches["batches.meta"] = pickle.dumps({"label_names": list("0123456789")}, 2)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, raw in batches.items():
            member = tarfile.TarInfo(f"{kind.base_folder}/{name}")
            member.size = len(raw)
            archive.addfile(member, io.BytesIO(raw))
    patch.setattr(kind, "train_list", [[name, md5(batches[name])] for name in batches if name.startswith("data")])
    patch.setattr(kind, "test_list", [["test_batch", md5(batches["test_batch"])]])
    patch.setattr(kind, "meta", {**kind.meta, "md5": md5(batches["batches.meta"])})
    patch.setattr(kind, "tgz_md5", md5(buffer.getvalue()))
    return {kind.filename: buffer.getvalue()}
