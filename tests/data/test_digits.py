"""The embedded digits: the same images and the same split on every machine."""

import hashlib

import numpy as np
import pytest
from sklearn.datasets import load_digits

from aevb.data import digits
from aevb.data.digits import Digits
from aevb.errors import UserError


def test_the_split_is_fixed_and_whole() -> None:
    data = Digits()
    train, valid, test = data.load()
    assert [part.x.shape for part in (train, valid, test)] == [(1437, 64), (0, 64), (360, 64)]
    assert (train.x.dtype, train.label.dtype, train.x.min(), train.x.max()) == (np.float32, np.int64, 0, 1)
    levels, label = load_digits(return_X_y=True)
    images = sorted(zip((np.concatenate([train.x, test.x]) * 16).tolist(), [*train.label, *test.label], strict=True))
    assert images == sorted(zip(levels.tolist(), label, strict=True))
    assert np.bincount(test.label).min() > 25  # shuffled: the file goes writer by writer
    assert data.hashes()["train"].startswith("3820c50301b03694")
    assert data.hashes()["test"] == hashlib.sha256(test.x.tobytes()).hexdigest()


def test_the_file_is_not_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another version of scikit-learn may keep it elsewhere; its function is slower to import."""
    hashes = Digits().hashes()
    monkeypatch.setattr(digits, "FILE", "sklearn/nowhere.csv.gz")
    assert Digits().hashes() == hashes


def test_a_small_training_set_is_the_first_images() -> None:
    small, whole = Digits(n_train=50).load(), Digits().load()
    assert np.array_equal(small.train.x, whole.train.x[:50])
    assert np.array_equal(small.train.label, whole.train.label[:50])
    assert np.array_equal(small.test.x, whole.test.x)
    with pytest.raises(UserError, match=r"data\.n_train=1438: out of range; allowed: 1 to 1437"):
        Digits(n_train=1438)


def test_targets() -> None:
    grey, dynamic, threshold = (Digits(targets=kind) for kind in ("grey", "dynamic", "threshold"))
    assert [data.dynamic for data in (grey, dynamic, threshold)] == [False, True, False]
    x = grey.load().train.x
    assert np.array_equal(dynamic.load().train.x, x)
    assert np.array_equal(threshold.load().train.x, x >= 0.5)
    with pytest.raises(UserError, match=r"data\.targets=fixed: not known; allowed: grey, dynamic, threshold"):
        Digits(targets="fixed")  # type: ignore[arg-type]
