"""An evaluator of one's own in Python, as `+evaluator.mine._target_=...` of aevb-evaluate."""

import sys

import pytest

import aevb
from aevb.errors import UserError
from helpers.figure_runs import plant_model

SOURCE = '''
import torch
from aevb.evaluators.evaluator import Evaluator


class Brightness(Evaluator):
    """The mean of the pixels, times a factor."""

    name, primary_value, images = "brightness", "brightness", 50

    def __init__(self, factor: float = 1.0) -> None:
        self.factor = factor

    @property
    def settings(self):
        return {"factor": self.factor}

    def values(self, model, x, noise):
        return {"brightness": self.factor * x.mean(-1)}
'''


@pytest.fixture
def directory(tmp_path, monkeypatch):
    (tmp_path / "brightness_of_mine.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    yield plant_model(tmp_path / "runs", "data=digits", "latent_dim=2")
    sys.modules.pop("brightness_of_mine", None)


def test_the_path_of_a_class_is_an_evaluator(directory):
    run = aevb.load(directory, trusted=("brightness_of_mine",))
    result = run.evaluate("brightness_of_mine.Brightness", factor=2.0, num_images=10, progress=False)
    expected = 2 * run.test().x[:10].mean(-1)
    assert result.values["brightness"] == pytest.approx(expected)
    assert result.record["settings"] == {"factor": 2.0}


@pytest.mark.parametrize(
    ("name", "trusted", "message"),
    [
        ("brightness_of_mine.Brightness", (), "brightness_of_mine.Brightness"),
        ("brightness_of_mine.Brightnes", ("brightness_of_mine",), "Brightnes"),
        (".", ("brightness_of_mine",), "evaluator"),
        ("brightness_of_mine.", ("brightness_of_mine",), "evaluator"),
        (".Brightness", (), "evaluator"),
        ("aevb.data.digits.Digits", (), "Digits"),
    ],
)
def test_a_class_that_is_none_is_refused_in_one_line(directory, name, trusted, message):
    with pytest.raises(UserError, match=message) as refusal:
        aevb.load(directory, trusted=trusted).evaluate(name, num_images=5, progress=False)
    assert "\n" not in str(refusal.value)
