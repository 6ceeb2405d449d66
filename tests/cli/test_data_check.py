"""What aevb-train checks before torch is loaded."""

from pathlib import Path

import numpy as np
import pytest

from aevb.cli.data_check import check_arguments, check_data, read_facts
from aevb.config import validate
from aevb.errors import UserError
from aevb.runs.run_data import read_data
from helpers.commands import composed

PROSE = """
from aevb.data.digits import Digits

class Prose(Digits):
    def __init__(self) -> None:
        super().__init__()
        self.convention = "grey/16"
"""


def test_a_convention_in_prose_is_refused_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "prose.py").write_text(PROSE)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(UserError, match=r"data: Prose: its convention is 'grey/16'; allowed: a Target"):
        read_facts({"data": {"_target_": "prose.Prose"}, "trainer": {"threads": 1}}, ("prose",))
    with pytest.raises(UserError, match="data: Prose: its convention"):  # a process that trains alone
        read_data({"data": {"_target_": "prose.Prose"}}, ("prose",))


def test_arguments_are_checked_without_the_files(tmp_path: Path) -> None:
    node = {"_target_": "aevb.data.mnist.MNIST", "root": str(tmp_path), "targets": "fixed", "scale": 256}
    with pytest.raises(UserError, match=r"data\.scale=256: data\.targets=fixed has no grey levels"):
        check_arguments({"data": node})
    check_arguments({"data": {**node, "scale": 255}})
    check_arguments({"data": {"_target_": "mine.Faces"}})  # a user's own class is not called


@pytest.mark.parametrize(
    ("model", "remedy"),
    [
        ("conditional", "model=conditional_gaussian model.decoder.mean=linear"),
        ("conditional_gaussian", "model.decoder.mean=linear"),
        ("convolutional", "model=gaussian_linear"),
        ("gaussian", "model=gaussian_linear"),
    ],
)
def test_the_remedy_for_real_numbers_keeps_the_labels(tmp_path: Path, model: str, remedy: str) -> None:
    x = np.random.default_rng(0).normal(size=(200, 4, 4))
    np.savez(tmp_path / "x.npz", x=x, y=np.arange(200) % 3)
    words = [f"data.path={tmp_path / 'x.npz'}", "data=array", "seed=0"]

    def lines(*more: str) -> list[str]:
        heard: list[str] = []
        try:
            check_data(validate(composed(*words, *more)), tmp_path / "run", (), heard.append)
        except UserError as error:
            heard.append(str(error))
        return heard

    (line,) = lines(f"model={model}")
    assert line.endswith(f"; try: {remedy}")
    assert lines(*([] if remedy.startswith("model=") else [f"model={model}"]), *remedy.split()) == []


@pytest.mark.parametrize(
    ("more", "remedy"), [((), "training images of each label"), (("data.n_train=150",), "a larger data.n_train")]
)
def test_the_remedy_for_labels_without_examples(tmp_path: Path, more: tuple[str, ...], remedy: str) -> None:
    """All images of one's own were used, and more of them were advised."""
    x = np.random.default_rng(0).random((200, 4, 4))
    np.savez(tmp_path / "x.npz", train=x, train_label=np.arange(200) % 2 * 2, test=x[:4], test_label=np.arange(4))
    words = [f"data.path={tmp_path / 'x.npz'}", "data=array", "model=conditional", *more]
    heard: list[str] = []
    check_data(validate(composed(*words)), tmp_path / "run", (), heard.append)
    assert heard == [f"data: no training image has the label 1 or 3, so p(x|z,y) of it is not trained; try: {remedy}"]
