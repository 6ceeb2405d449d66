"""Names that tell runs apart: the same name means the same settings but for the seed."""

from aevb.figures.common.learning_curves import curve
from aevb.figures.common.method_labels import distinct_names
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
