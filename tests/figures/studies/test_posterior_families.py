"""The figure of other posterior families: its order, its scale and its names."""

import shutil

import matplotlib

from aevb.figures.common.style import RC
from aevb.figures.studies.posterior_families import PosteriorFamilies
from aevb.files.atomic import write_json
from aevb.runs.records import read_json
from aevb.runs.run import finished
from helpers.figure_runs import plant, plant_model


def drawing_of(figure, runs):
    with matplotlib.rc_context(RC):
        return figure.compose(figure.wanted(finished(runs)), ())


def test_a_run_that_diverged_does_not_set_the_scale_of_posterior_families(tmp_path):
    for family, bound in (("gaussian", -22.0), ("laplace", -4e9)):
        bounds = {100: -30.0, 1000: bound}
        run = plant(tmp_path, "data=digits", f"model/encoder={family}", train=bounds)
        config = read_json(run / "config.yaml")
        config["choices"] |= {"model/encoder": family, "model/prior": "standard_normal"}
        write_json(run / "config.yaml", config)
        test = {name: {"mean": bound, "standard_error": 0.1} for name in ("bound", "importance")}
        write_json(run / "DONE", read_json(run / "DONE") | {"test": test})
    (ax,) = drawing_of(PosteriorFamilies(), tmp_path).canvas.axes
    assert -24 < ax.get_xlim()[0] < ax.get_xlim()[1] < -20
    assert [text.get_text() for text in ax.get_yticklabels()] == ["gaussian", "laplace (diverged)"]


def test_posterior_families_are_grouped_by_prior_and_ordered_by_bound(tmp_path):
    for family, bound in (("gaussian", -22.0), ("gamma", -21.0), ("laplace", -20.0)):
        run = plant_model(tmp_path, "data=digits", f"model/encoder={family}")
        config = read_json(run / "config.yaml")
        prior = "exponential" if family == "gamma" else "standard_normal"
        config["choices"] |= {"model/encoder": family, "model/prior": prior}
        write_json(run / "config.yaml", config)
        test = {name: {"mean": bound + more, "standard_error": 0.1} for name, more in (("bound", 0), ("importance", 1))}
        write_json(run / "DONE", read_json(run / "DONE") | {"test": test})
    without = shutil.copytree(run, tmp_path / "another")  # its DONE states no test values
    write_json(without / "DONE", {key: value for key, value in read_json(run / "DONE").items() if key != "test"})
    drawing = drawing_of(PosteriorFamilies(), tmp_path)
    families = [(row["family"], row["prior"]) for row in drawing.rows]
    assert families == [("laplace", "standard_normal"), ("gaussian", "standard_normal"), ("gamma", "exponential")]
    assert [row["log_px"] for row in drawing.rows] == [-19, -21, -20]


def test_families_of_several_runs_have_names_of_their_own(tmp_path):
    for overrides in (["latent_dim=2"], ["latent_dim=2", "seed=1"], ["latent_dim=5"]):
        run = plant_model(tmp_path, "data=digits", "model/encoder=laplace", *overrides)
        config = read_json(run / "config.yaml")
        config["choices"] |= {"model/encoder": "laplace", "model/prior": "standard_normal"}
        write_json(run / "config.yaml", config)
        test = {name: {"mean": -20.0, "standard_error": 0.1} for name in ("bound", "importance")}
        write_json(run / "DONE", read_json(run / "DONE") | {"test": test})
    drawing = drawing_of(PosteriorFamilies(), tmp_path)
    names = ["laplace, latent_dim 2, seed 0", "laplace, latent_dim 2, seed 1", "laplace, latent_dim 5"]
    assert sorted(row["label"] for row in drawing.rows) == names
    assert sorted(text.get_text() for text in drawing.canvas.axes[0].get_yticklabels()) == [
        name.replace("_", " ") for name in names
    ]
