"""A user's own array: what is accepted, how it is read, and what is refused."""

import gzip
import pickle
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from aevb.data.array import ArrayDataset
from aevb.errors import UserError

BYTES = np.random.RandomState(0).randint(0, 256, (50, 3, 4)).astype(np.uint8)
FLOATS = np.random.RandomState(1).standard_normal((50, 12))
LABEL = np.arange(50)


def saved(folder: Path, **arrays: object) -> str:
    path = folder / "mine.npz"
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]
    return str(path)


def test_an_array_of_bytes_is_scaled_and_divided_by_the_seed(tmp_path: Path) -> None:
    path = saved(tmp_path, x=BYTES, label=LABEL)
    data = ArrayDataset(path, test_fraction=0.2)
    train, valid, test = data.load()
    assert (data.shape, str(data.convention), data.unit_interval) == ((3, 4), "grey/255", True)
    assert [part.x.shape for part in (train, valid, test)] == [(40, 12), (0, 12), (10, 12)]
    label = np.concatenate([train.label, test.label])
    assert sorted(label) == LABEL.tolist()
    assert label.tolist() != LABEL.tolist()
    x = (BYTES.reshape(50, 12) / 255).astype(np.float32)
    assert np.array_equal(np.concatenate([train.x, test.x]), x[label])
    assert np.array_equal(ArrayDataset(path, test_fraction=0.2).load().test.x, test.x)
    assert not np.array_equal(ArrayDataset(path, test_fraction=0.2, seed=1).load().test.x, test.x)
    finer = ArrayDataset(path, scale=256)
    assert str(finer.convention) == "grey/256"
    assert data.description == (
        "mine.npz, an .npz file: 40 train, 10 test of 3 x 4, uint8 taken as grey/255, from 0 to 1, labels 0..49 in 50 classes"
    )
    assert np.array_equal(finer.load().train.x * 256, np.rint(ArrayDataset(path).load().train.x * 255))


def test_given_parts_are_kept(tmp_path: Path) -> None:
    path = saved(tmp_path, train=FLOATS[:30], valid=FLOATS[30:40], test=FLOATS[40:], test_label=LABEL[40:])
    data = ArrayDataset(path)
    splits = data.load()
    assert (data.shape, data.unit_interval, str(data.convention)) == ((1, 12), False, "float64, as given")
    assert np.array_equal(np.concatenate([part.x for part in splits]), FLOATS.astype(np.float32))
    assert [part.label.tolist() for part in splits] == [[0] * 30, [0] * 10, LABEL[40:].tolist()]
    only_train = ArrayDataset(saved(tmp_path, train=FLOATS, valid=FLOATS[:3])).load()
    assert [len(part.x) for part in only_train] == [45, 3, 5]


def test_a_small_training_set_is_the_first_images(tmp_path: Path) -> None:
    path = saved(tmp_path, x=BYTES, label=LABEL)
    small, whole = ArrayDataset(path, n_train=7).load(), ArrayDataset(path).load()
    assert np.array_equal(small.train.x, whole.train.x[:7])
    assert np.array_equal(small.train.label, whole.train.label[:7])
    assert np.array_equal(small.test.x, whole.test.x)
    with pytest.raises(
        UserError, match=r"data\.n_train=46: out of range; allowed: 1 to 45 \(the training images of mine\.npz\)"
    ):
        ArrayDataset(path, n_train=46).load()


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64])
def test_bits_are_taken_as_they_are(tmp_path: Path, dtype: type) -> None:
    bits = (FLOATS > 0).astype(dtype)
    data = ArrayDataset(saved(tmp_path, train=bits[:40], test=bits[40:]))
    assert (str(data.convention), data.unit_interval) == ("binary, as given", True)
    assert np.array_equal(data.load().train.x, bits[:40])


def test_a_dark_test_set_of_bytes_is_not_taken_for_bits(tmp_path: Path) -> None:
    data = ArrayDataset(saved(tmp_path, train=BYTES[:40], test=np.ones((5, 3, 4), np.uint8)))
    assert data.load().test.x.max() == np.float32(1 / 255)


def test_an_npy_file_and_a_shape(tmp_path: Path) -> None:
    np.save(tmp_path / "mine.npy", FLOATS.astype(np.float16))
    data = ArrayDataset(str(tmp_path / "mine.npy"), shape=[3, 4])
    assert (data.shape, data.dim) == ((3, 4), 12)
    assert sum(len(part.x) for part in data.load()) == 50
    for shape in ([5, 4], [12], [-3, -4]):
        with pytest.raises(UserError, match=r"data\.shape=\[.*\]: an image in .* has shape \(12,\)"):
            ArrayDataset(str(tmp_path / "mine.npy"), shape=shape).load()
    with pytest.raises(UserError, match=r"data\.shape=\[4,3\]"):
        ArrayDataset(saved(tmp_path, x=BYTES), shape=[4, 3]).load()


@pytest.mark.parametrize(("low", "high", "inside"), [(0, 1, True), (-0.001, 1, False), (0, 1.001, False)])
def test_the_unit_interval_is_that_of_every_part(tmp_path: Path, low: float, high: float, inside: bool) -> None:
    test = np.array([[float(low), high]])
    assert ArrayDataset(saved(tmp_path, train=np.full((4, 2), 0.5), test=test)).unit_interval is inside


def spoiled(value: float) -> np.ndarray:
    x = FLOATS.copy()
    x[7, 2] = value
    return x


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"x": spoiled(np.nan)}, "x is not finite in row 7"),
        ({"x": spoiled(-np.inf)}, "x is not finite in row 7"),
        ({"x": spoiled(1e39)}, "x is too large for float32 in row 7"),
        ({"x": FLOATS.astype(np.complex64)}, r"x is complex64; allowed: uint8 .* try: numpy\.abs\(x\)"),
        ({"x": BYTES.astype(np.int32)}, r"its images are int32, integers from 0 to 255; .* try: data\.values=bytes if"),
        ({"x": BYTES.astype(np.int16) - 9}, r"integers from -9 to 246; .* try: data\.values=real if they are numbers"),
        ({"x": FLOATS.astype(str)}, "x is <U"),
        ({"x": FLOATS[0]}, r"x has shape \(12,\); allowed: \(N, D\).* try: x\[:, None\]"),
        ({"x": np.array(1.0)}, r"x has shape \(\); .* try: an array of at least two images"),
        ({"x": np.zeros(3, [("a", "f4")])}, "x is .* try: a column of numbers for each property"),
        ({"x": FLOATS[:0]}, r"x has shape \(0, 12\)"),
        ({"x": np.zeros((5, 8, 8, 3))}, r"x has shape \(5, 8, 8, 3\); .* try: data\.colour=true"),
        ({"x": np.zeros((5, 3, 8, 8))}, r"x has shape \(5, 3, 8, 8\); .* try: data\.colour=true"),
        ({"x": np.zeros((5, 2, 8, 8))}, r"try: x\.reshape\(len\(x\), -1\)"),
        ({"train": FLOATS, "test": FLOATS[:, :5]}, r"its parts differ .* try: images of one shape"),
        ({"train": BYTES, "test": BYTES / 255}, r"its parts differ .* try: x\.astype"),
        ({"x": FLOATS, "label": LABEL[:9]}, r"label is int64 \(9,\); allowed: 50 integers"),
        ({"x": FLOATS, "label": LABEL[:9]}, "try: a label for each of the 50 images"),
        ({"x": FLOATS, "y": LABEL[:40, None]}, "try: a label for each of the 50 images"),
        ({"x": FLOATS, "y": np.eye(5)[LABEL % 5]}, r"label is float64 \(50, 5\); .* try: y\.argmax\(1\)"),
        ({"x": FLOATS, "label": LABEL / 2}, r"label is float64 .* try: numpy\.unique"),
        ({"trainX": FLOATS, "testX": FLOATS}, "holds trainX, testX; allowed: x"),
        ({"x": FLOATS, "y": LABEL, "label": LABEL}, "holds x, y, label; allowed: x"),
        ({"x": FLOATS, "test": FLOATS}, "holds x, test; allowed: x"),
        ({"train": FLOATS, "test_label": LABEL}, "holds test_label without test; .* try: leave it out"),
        ({"train": FLOATS, "valid": FLOATS[:0]}, r"valid has shape \(0, 12\); .* try: leave valid out"),
        ({"train": FLOATS, "val": FLOATS, "valid": FLOATS}, "holds train, val, valid; allowed: x"),
        ({"x": FLOATS, "test_label": LABEL}, "holds x, test_label; allowed: x"),
        ({"test": FLOATS}, "holds test; allowed: x"),
        ({}, "holds nothing; allowed: x"),
        ({"x": np.array([{}, 1], dtype=object)}, "x is an object array, which is a pickle; allowed: arrays of numbers"),
        (
            {"x": FLOATS, "y": np.array(["cat"] * 50, dtype=object)},
            r"y is an object array, .* try: numpy\.unique\(y, return",
        ),
    ],
)
def test_unusable_arrays_are_refused_by_name(tmp_path: Path, arrays: dict[str, object], words: str) -> None:
    path = saved(tmp_path, **arrays)
    with pytest.raises(UserError, match=words) as caught:
        ArrayDataset(path).load()
    assert str(caught.value).startswith(f"data.path={path}: ")
    assert "\n" not in str(caught.value)


class Exploit:
    def __reduce__(self) -> tuple[object, ...]:
        return exec, ("raise SystemExit('executed')",)


def test_unreadable_files_are_refused_and_nothing_is_executed(tmp_path: Path) -> None:
    path = tmp_path / "mine.npz"
    whole = Path(saved(tmp_path, x=FLOATS)).read_bytes()
    middle = len(whole) // 2
    for raw, words in (
        (b"", "empty"),
        (b"some text", "text, but not named .csv or .tsv"),
        (b"\x00\xff\xfe", "of a format that is not known"),
        (gzip.compress(b"some text"), "compressed with gzip, .* try: gunzip -k .*mine.npz"),
        (pickle.dumps(Exploit()), "a pickle, which is not read"),
        (whole[:middle], "damaged"),
        (whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :], "damaged"),
    ):
        path.write_bytes(raw)
        with pytest.raises(UserError, match=rf"data\.path=.*mine\.npz: .*{words}") as caught:
            ArrayDataset(str(path)).load()
        assert "allow_pickle" not in str(caught.value)
    with pytest.raises(UserError, match=rf"data\.path=.*absent\.npz: no such file.*; try: ls {tmp_path}$"):
        ArrayDataset(str(tmp_path / "absent.npz")).load()
    with pytest.raises(UserError, match=r"data\.path=null: .* try: data\.path=FILE\.npz"):
        ArrayDataset()


@pytest.mark.parametrize("fraction", [0.0, 0.001, 1.0])
def test_a_division_needs_both_parts(tmp_path: Path, fraction: float) -> None:
    with pytest.raises(UserError, match=r"data\.test_fraction=.*both need at least one"):
        ArrayDataset(saved(tmp_path, x=FLOATS), test_fraction=fraction).load()


@pytest.mark.parametrize("shape", [(50, 1, 3, 4), (50, 3, 4, 1)])
def test_an_axis_of_one_channel_is_dropped(tmp_path: Path, shape: tuple[int, ...]) -> None:
    data = ArrayDataset(saved(tmp_path, x=BYTES.reshape(shape)))
    assert data.shape == (3, 4)
    assert data.load().hashes() == ArrayDataset(saved(tmp_path, x=BYTES)).load().hashes()


def test_keys_of_other_libraries_are_known(tmp_path: Path) -> None:
    plain = ArrayDataset(saved(tmp_path, train=BYTES[:40], train_label=LABEL[:40], test=BYTES[40:])).load()
    keras = ArrayDataset(saved(tmp_path, x_train=BYTES[:40], y_train=LABEL[:40], x_test=BYTES[40:])).load()
    assert keras.hashes() == plain.hashes()
    assert keras.train.label.tolist() == LABEL[:40].tolist()
    whole = ArrayDataset(saved(tmp_path, x=BYTES, y=LABEL[:, None])).load()
    assert sorted([*whole.train.label, *whole.test.label]) == LABEL.tolist()


def test_values_say_what_integers_are(tmp_path: Path) -> None:
    path = saved(tmp_path, x=BYTES.astype(np.int64))
    grey, real = ArrayDataset(path, values="bytes"), ArrayDataset(path, values="real")
    assert grey.load().hashes() == ArrayDataset(saved(tmp_path, x=BYTES)).load().hashes()
    assert (real.unit_interval, str(real.convention)) == (False, "uint8, as given")
    assert np.array_equal(real.load().train.x, np.rint(grey.load().train.x * 255))
    with pytest.raises(UserError, match=r"data\.values=bytes: .* holds other values than the integers 0\.\.255"):
        ArrayDataset(saved(tmp_path, x=FLOATS), values="bytes").load()


def test_dequantised_bytes_stay_within_their_level(tmp_path: Path) -> None:
    path = saved(tmp_path, x=BYTES)
    plain, noisy = ArrayDataset(path), ArrayDataset(path, dequantise="uniform")
    byte = np.rint(plain.load().train.x * 255)
    noise = noisy.load().train.x * 256 - byte
    assert str(noisy.convention) == "grey levels dequantised, (k + u)/256"
    assert noise.min() >= 0
    assert noise.max() < 1
    assert noise.std() == pytest.approx(12**-0.5, abs=0.02)
    with pytest.raises(UserError, match=r"data\.dequantise=uniform: .* holds no grey levels"):
        ArrayDataset(saved(tmp_path, x=FLOATS), dequantise="uniform").load()


def test_nothing_is_read_before_it_is_asked_for(tmp_path: Path) -> None:
    data = ArrayDataset(str(tmp_path / "later.npy"))
    np.save(tmp_path / "later.npy", FLOATS)
    assert data.shape == (1, 12)


def test_a_large_npy_is_mapped_and_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.npy"
    np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(200_000, 784)).flush()  # 150 MiB, sparse
    tracemalloc.start()
    splits = ArrayDataset(str(path), n_train=100, test_fraction=0.001).load()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(splits.test.x) == 200
    assert peak < 30e6


def test_the_remedy_for_large_numbers_is_not_that_for_nan(tmp_path: Path) -> None:
    large, missing = FLOATS.copy(), FLOATS.copy()
    large[7], missing[7, 2] = 1e300, np.nan
    with pytest.raises(UserError, match=r"x is too large for float32 in row 7; .* try: \(x - x\.mean\(0\)\)"):
        ArrayDataset(saved(tmp_path, x=large)).load()
    with pytest.raises(UserError, match=r"x is not finite in row 7; .* try: x\[numpy\.isfinite"):
        ArrayDataset(saved(tmp_path, x=missing)).load()


def test_labels_of_some_splits_are_described(tmp_path: Path) -> None:
    data = ArrayDataset(saved(tmp_path, train=FLOATS, train_label=LABEL % 3 + 1, test=FLOATS[:5]))
    assert data.description.endswith(", labels 1..3 in 3 classes, none of test")
    assert not data.labelled
    few = ArrayDataset(
        saved(tmp_path, train=FLOATS, train_label=LABEL, test=FLOATS[:5], test_label=LABEL[:5]), n_train=2
    )
    assert few.description.endswith(", labels 0..4 in 5 classes")
    assert few.labelled


def test_labels_beyond_the_integers_are_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, x=FLOATS, y=np.full(len(FLOATS), 2**63, np.uint64))
    with pytest.raises(UserError, match=r"label is uint64 up to 9223372036854775808; allowed: integers below 2\^63"):
        ArrayDataset(path).load()


@pytest.mark.parametrize(
    ("train", "train_label", "valid", "test"),
    [
        ("train_images", "train_labels", "val_images", "test_images"),  # MedMNIST
        ("x_train", "y_train", "x_validation", "x_test"),
        ("train", "train_label", "validation", "test"),
    ],
)
def test_keys_of_other_libraries(tmp_path: Path, train: str, train_label: str, valid: str, test: str) -> None:
    arrays = {train: FLOATS[:30], train_label: LABEL[:30, None], valid: FLOATS[30:40], test: FLOATS[40:]}
    splits = ArrayDataset(saved(tmp_path, **arrays)).load()
    assert [len(part.x) for part in splits] == [30, 10, 10]
    assert splits.train.label.tolist() == LABEL[:30].tolist()
