"""Names that tell runs apart: the same name means the same settings but for the seed."""

import json

import pytest

from aevb.figures.common.learning_curves import curve
from aevb.figures.common.method_labels import distinct_names, labels
from aevb.runs.run import finished
from helpers.figure_runs import plant


def names_of(runs):
    curves = [curve(run) for run in finished(runs)]
    return sorted(distinct_names(curves, ["x"] * len(curves)))


def test_a_name_is_shared_by_runs_that_differ_in_the_seed_alone(tmp_path):
    rows = {100: -543.0, 1000: -200.0}
    for overrides in (["seed=0"], ["seed=1"], ["seed=2", "trainer.threads=2"]):
        plant(tmp_path, "latent_dim=3", *overrides, train=rows)
    assert names_of(tmp_path) == ["x", "x", "x"]
    plant(tmp_path, "latent_dim=5", "optimizer.lr=0.1", train=rows)
    plant(tmp_path, "latent_dim=3", "batch_size=50", train=rows)
    plant(tmp_path, "data=digits", "latent_dim=2", train=rows)
    three = "x, MNIST, latent_dim 3, learning rate 0.01, batch_size=100"
    assert names_of(tmp_path) == [
        "x, Digits 8×8",
        "x, MNIST, latent_dim 3, learning rate 0.01, batch_size=100",
        three,
        three,
        "x, MNIST, latent_dim 3, learning rate 0.01, batch_size=50",
        "x, MNIST, latent_dim 5, learning rate 0.1, batch_size=100",
    ]


def planted(runs, choices, *overrides):
    """A run that knows the options of other groups too, as real ones do."""
    file = plant(runs, "latent_dim=3", *overrides, train={100: -543.0, 1000: -200.0}) / "config.yaml"
    config = json.loads(file.read_text())
    file.write_text(json.dumps(config | {"choices": config["choices"] | choices}))


def labels_of(runs):
    return sorted(labels([curve(run) for run in finished(runs)]).values())


GAUSSIAN, LAPLACE = ({"model": "bernoulli", "model/encoder": name} for name in ("gaussian", "laplace"))


@pytest.mark.parametrize("another", [(), ("model=conditional",)])
def test_posterior_families_of_one_model_have_different_names(tmp_path, another):
    planted(tmp_path, GAUSSIAN)
    planted(tmp_path, LAPLACE, "model/encoder=laplace")
    for model in another:
        planted(tmp_path, {"model": "conditional"}, model)
    model = ", model=bernoulli" if another else ""
    names = {f"AEVB{model}, model/encoder=gaussian", f"AEVB{model}, model/encoder=laplace"}
    assert set(labels_of(tmp_path)) == names | {f"AEVB, {model}" for model in another}


def test_a_key_that_only_one_of_two_methods_has_tells_them_apart(tmp_path):
    planted(tmp_path, {}, "data=frey_face")
    planted(tmp_path, {}, "data=frey_face", "+model.decoder.min_std=0.05")
    assert labels_of(tmp_path) == ["AEVB", "AEVB, model.decoder.min_std=0.05"]


def test_an_optimizer_is_named_by_its_option(tmp_path):
    planted(tmp_path, GAUSSIAN)
    planted(tmp_path, GAUSSIAN, "optimizer=adam")
    assert labels_of(tmp_path) == ["AEVB, optimizer=adagrad", "AEVB, optimizer=adam"]
