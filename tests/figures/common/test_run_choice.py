"""Which run stands for a data set and latent_dim."""

from aevb.figures.common.run_choice import representatives
from aevb.runs.run import finished
from helpers.figure_runs import plant


def test_a_pitfall_stands_for_nothing_where_there_is_a_right_run(tmp_path):
    plant(tmp_path, "data=digits", "pitfall=kl_sign", "latent_dim=5", train={100: -40.0, 2000: 1e9})
    assert [run.settings["name"] for run in representatives(finished(tmp_path)).values()] == [
        "datadigits_pitfallkl_sign_latent_dim5"
    ]
    right = plant(tmp_path, "data=digits", "latent_dim=5", train={100: -40.0, 1000: -25.0})
    assert [run.directory for run in representatives(finished(tmp_path)).values()] == [right]
