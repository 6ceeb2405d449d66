"""Which runs are averaged, which are told apart; the mean and the band of planted seeds."""

import json

import numpy as np
import pytest

from aevb.figures.common.learning_curves import Curve, _uneven_band, band, curve, families
from aevb.figures.common.method_labels import labels
from aevb.figures.common.method_lines import colours_of, panels
from aevb.figures.common.style import method
from aevb.runs.run import finished
from helpers.figure_runs import plant


def curves(runs):
    return [curve(run) for run in finished(runs)]


def test_mean_and_band_of_seeds(tmp_path):
    for seed, value in enumerate((-100.0, -104.0, -111.0)):
        plant(tmp_path, f"seed={seed}", train={100: -543.0, 1000: value}, test={100: -540.0, 1000: value - 10})
    train, test = (band(curves(tmp_path), split) for split in ("train", "test"))
    assert train.samples_seen.tolist() == [100, 1000]
    assert (train.mean[1], train.low[1], train.high[1], train.seeds[1]) == (-105, -111, -100, 3)
    assert (test.mean[1], test.low[1], test.high[1]) == (-115, -121, -110)


def test_the_mean_continues_with_the_longer_run(tmp_path):
    plant(tmp_path, "seed=0", train={100: -500.0, 1000: -200.0, 2000: -150.0})
    plant(tmp_path, "seed=1", train={100: -500.0, 1000: -210.0})
    mean_band = band(curves(tmp_path), "train")
    assert mean_band.samples_seen.tolist() == [100, 1000, 2000]
    assert mean_band.mean.tolist() == [-500, -205, -150]
    assert mean_band.seeds.tolist() == [2, 2, 1]


def test_the_mean_needs_the_rows_of_all_runs(tmp_path):
    plant(tmp_path, "seed=0", train={100: -500.0, 700: -300.0, 1000: -200.0})
    plant(tmp_path, "seed=1", train={100: -500.0, 1000: -210.0})
    assert band(curves(tmp_path), "train").samples_seen.tolist() == [100, 1000]


def test_seeds_and_learning_rates_are_grouped(tmp_path):
    rows = {100: -543.0, 1000: -200.0}
    for overrides in (
        ["seed=0"],
        ["seed=1"],
        ["optimizer.lr=0.1"],
        ["trainer.threads=2", "seed=2"],
        ["max_samples=500", "seed=3"],
    ):
        plant(tmp_path, *overrides, train=rows)
    plant(tmp_path, "data.targets=dynamic", train=rows)
    plant(tmp_path, "objective=sgvb_a", train=rows)
    plant(tmp_path, "latent_dim=3", train=rows)
    plant(tmp_path, "data=digits", train=rows)
    sizes = [(data, latent_dim, len(group)) for (data, latent_dim, _), group in families(curves(tmp_path)).items()]
    assert sorted(sizes) == [("digits", 20, 1), ("mnist", 3, 1), ("mnist", 20, 1), ("mnist", 20, 1), ("mnist", 20, 5)]


def test_a_seed_counts_once(tmp_path):
    plant(tmp_path, "seed=0", train={100: -543.0, 1000: -200.0})
    longest = plant(tmp_path, "seed=0", "max_samples=2000", train={100: -540.0, 1000: -210.0, 2000: -150.0})
    plant(tmp_path, "seed=1", train={100: -500.0, 1000: -180.0})
    (group,) = families(curves(tmp_path)).values()
    assert sorted(item.seed for item in group) == [0, 1]
    assert {item.run.name for item in group if item.seed == 0} == {longest.name}
    ((line,),) = panels(curves(tmp_path), 1000).values()
    assert band(line.curves, "train").mean.tolist() == [-520, -195, -150]


@pytest.mark.parametrize(("objective", "label"), [("mcem", "Monte Carlo EM"), ("nvil", "NVIL"), ("gan", "GAN")])
def test_seeds_of_an_objective_with_a_seed_of_its_own_are_one_line(objective, label, tmp_path):
    for seed in (0, 1, 2):  # its chains, its baseline or its discriminator have the seed of the run
        plant(tmp_path, f"objective={objective}", "latent_dim=3", f"seed={seed}", train={100: -543.0, 1000: -200.0})
    (group,) = families(curves(tmp_path)).values()
    assert [item.seed for item in group] == [0, 1, 2]
    assert set(labels(group).values()) == {label}


def test_a_label_names_the_method_and_what_sets_it_apart(tmp_path):
    rows = {100: -543.0, 1000: -200.0}
    plant(tmp_path, "latent_dim=3", train=rows)
    plant(tmp_path, "data.targets=dynamic", train=rows)
    plant(tmp_path, "objective=sgvb_a", train=rows)
    names = set(labels(curves(tmp_path)).values())
    # Grey is what conf/data/mnist.yaml says.
    assert names == {"AEVB", "AEVB, data.targets=dynamic", "AEVB, estimator A"}
    plant(width := tmp_path / "width", "data=frey_face", train=rows)
    plant(width, "data=frey_face", "hidden_dim=500", "batch_size=50", train=rows)
    plant(width, "data=frey_face", "data.scale=255", train=rows)
    names = set(labels(curves(width)).values())
    # Frey Face has 200 units and byte/256 by default, and every data set minibatches of 100.
    assert names == {"AEVB", "AEVB, batch_size=50, hidden_dim=500", "AEVB, data.scale=255"}
    plant(other := tmp_path / "other", "latent_dim=3", train=rows)
    plant(other, "latent_dim=5", train=rows)
    plant(other, "data=digits", train=rows)
    assert set(labels(curves(other)).values()) == {"AEVB"}
    plant(models := tmp_path / "models", "latent_dim=3", train=rows)
    conditional = plant(models, "model=conditional", train=rows) / "config.yaml"
    config = json.loads(conditional.read_text())
    conditional.write_text(json.dumps(config | {"choices": config["choices"] | {"model": "conditional"}}))
    names = set(labels(curves(models)).values())
    assert len(names) == 2
    assert "AEVB, model=conditional" in names


def test_a_label_leaves_out_the_default_of_a_group_within_a_group(tmp_path):
    # The encoder's tanh stands in conf/model/encoder/gaussian.yaml, which conf/model/bernoulli.yaml names.
    for activation in ("tanh", "relu"):
        config = plant(tmp_path, f"model.encoder.activation={activation}", train={100: -543.0}) / "config.yaml"
        content = json.loads(config.read_text())
        config.write_text(json.dumps(content | {"choices": content["choices"] | {"model": "bernoulli"}}))
    assert set(labels(curves(tmp_path)).values()) == {"AEVB", "AEVB, model.encoder.activation=relu"}


def test_one_name_one_colour(tmp_path):
    rows = {100: -543.0, 1000: -200.0}
    for targets in ("grey", "dynamic", "threshold"):
        for latent_dim in (3, 5):
            plant(tmp_path, f"data.targets={targets}", f"latent_dim={latent_dim}", train=rows)
    by_panel = panels(curves(tmp_path), 1000)
    colours = [{line.label: line.colour for line in lines} for lines in by_panel.values()]
    assert colours[0] == colours[1]
    assert len(set(colours[0].values())) == 3


def test_twenty_lines_have_twenty_colours():
    names = {f"AEVB, variant {i}": "sgvb_b" for i in range(19)} | {"wake-sleep": "wake_sleep"}
    colours = colours_of(names)
    assert len(set(colours.values())) == 20
    assert colours["wake-sleep"] == method("wake_sleep").colour


def test_a_bound_is_that_of_the_minibatch_passing_the_point(tmp_path):
    plant(tmp_path, train={128: -543.0, 100096: -200.0, 150016: -190.0})
    (curve,) = curves(tmp_path)
    assert curve.at("train", 100_000) == -200
    assert np.isnan(curve.at("train", 110_000))


def test_seeds_with_the_same_points_have_the_band_of_any_seeds():
    noise = np.random.default_rng(0)
    seen = np.array([100, 200, 300])
    values = [{split: noise.normal(-100, 10, 3) for split in ("train", "test")} for _ in range(1000)]
    values[5]["train"][1] = np.nan
    curves = [Curve(None, "mnist", 2, "sgvb_b", 0.01, seed, (), seen, bound) for seed, bound in enumerate(values)]
    for split in ("train", "test"):
        for a, b in zip(band(curves, split), _uneven_band(curves, split), strict=True):
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a, b)
