"""The learning rate rule on planted runs: the highest training bound wins, the test bound is not looked at."""

import math

import pytest

from aevb.errors import UserError
from aevb.figures.common.learning_curves import curve, with_bound
from aevb.figures.common.learning_rate_choice import rows, select
from aevb.figures.common.run_choice import representatives, with_latent_dim
from aevb.runs.run import finished
from helpers.figure_runs import COMMIT, plant


def selection(runs, at=1_000_000):
    return select([curve(run) for run in finished(runs)], at)


def test_the_highest_training_bound_wins_whatever_the_test_bound(tmp_path):
    plant(tmp_path, "optimizer.lr=0.01", train={100: -543, 1000000: -126}, test={100: -543, 1000000: -90})
    plant(tmp_path, "optimizer.lr=0.02", train={100: -543, 1000000: -120}, test={100: -543, 1000000: -150})
    assert selection(tmp_path).chosen.lr == 0.02


def test_runs_without_a_bound_are_left_out(tmp_path):
    plant(tmp_path, "objective=mcem", "latent_dim=3", train={100: math.nan, 1000000: math.nan})
    plain = plant(tmp_path, "latent_dim=3", train={100: -543, 1000000: -126})
    assert [run.directory for run in with_latent_dim(finished(tmp_path), [3])] == [plain]
    assert [run.directory for run in with_bound(finished(tmp_path))] == [plain]


def test_bounds_are_compared_at_the_requested_point(tmp_path):
    plant(tmp_path, "optimizer.lr=0.01", train={100: -543, 100000: -200, 1000000: -120})
    plant(tmp_path, "optimizer.lr=0.02", train={100: -543, 100000: -190, 1000000: -130})
    assert selection(tmp_path, 1_000_000).chosen.lr == 0.01
    assert selection(tmp_path, 100_000).chosen.lr == 0.02


def test_where_a_run_is_short_the_last_common_point_decides(tmp_path):
    plant(tmp_path, "optimizer.lr=0.01", train={100: -543, 100000: -200, 1000000: -120})
    plant(tmp_path, "optimizer.lr=0.02", train={100: -543, 100000: -190})
    choice = selection(tmp_path)
    assert (choice.at, choice.chosen.lr) == (100_000, 0.02)


def test_learning_rates_are_compared_over_common_seeds(tmp_path):
    plant(tmp_path, "optimizer.lr=0.01", "seed=0", train={100: -543, 1000000: -120})
    plant(tmp_path, "optimizer.lr=0.01", "seed=1", train={100: -543, 1000000: -140})
    plant(tmp_path, "optimizer.lr=0.02", "seed=0", train={100: -543, 1000000: -125})
    choice = selection(tmp_path)
    assert choice.chosen.lr == 0.01  # -120 against -125 at seed 0; the mean over its own seeds would be -130
    assert choice.chosen.train_bound == -120
    assert [item.seed for item in choice.chosen.curves] == [0, 1]


def test_the_last_bound_is_that_of_the_runs_that_go_so_far(tmp_path):
    plant(tmp_path, "seed=0", train={100: -543, 1000000: -120, 10000000: -110})
    plant(tmp_path, "seed=1", train={100: -543, 1000000: -130})
    (row,) = rows(selection(tmp_path))
    assert (row["seeds"], row["train_bound"]) == (2, -125)
    assert (row["last_samples_seen"], row["last_seeds"], row["last_train_bound"]) == (10_000_000, 1, -110)


@pytest.mark.parametrize("lost", [math.nan, -2e7, -206.5])
def test_a_learning_rate_that_learned_nothing_sets_no_seeds(tmp_path, lost):
    for seed, bounds in enumerate([(-126, -120), (-127, -140), (-128, -141)]):
        for lr, bound in zip((0.01, 0.02), bounds, strict=True):
            plant(tmp_path, f"optimizer.lr={lr}", f"seed={seed}", train={100: -543, 1000000: bound})
    plant(tmp_path, "optimizer.lr=0.1", "seed=0", train={100: -543, 1000000: lost})
    choice = selection(tmp_path)
    assert choice.chosen.lr == 0.01  # by seed 0 alone, which 0.1 has, it would be 0.02
    assert choice.chosen.train_bound == -127
    assert {candidate.lr: candidate.verdict for candidate in choice.candidates}[0.1] == "rejected"


def test_where_no_lr_learned_anything_the_best_is_shown(tmp_path):
    plant(tmp_path, "optimizer.lr=0.02", train={100: -543, 1000000: -700})
    plant(tmp_path, "optimizer.lr=0.1", train={100: -543, 1000000: math.nan})
    assert selection(tmp_path).chosen.lr == 0.02


@pytest.mark.parametrize("lost", [math.nan, -math.inf, -2e7])
def test_a_diverged_learning_rate_loses_and_is_named(tmp_path, lost):
    plant(tmp_path, "optimizer.lr=0.01", train={100: -543, 1000000: -126})
    plant(tmp_path, "optimizer.lr=0.1", train={100: -543, 1000000: lost})
    choice = selection(tmp_path)
    by_lr = {candidate.lr: candidate for candidate in choice.candidates}
    assert choice.chosen.lr == 0.01
    assert by_lr[0.1].verdict == "rejected"
    assert by_lr[0.1].remark.startswith("diverged")
    assert by_lr[0.01].remark == ""


def test_a_run_below_the_mean_image_is_named(tmp_path):
    plant(tmp_path, "optimizer.lr=0.01", train={100: -543, 1000000: -206.0})
    plant(tmp_path, "optimizer.lr=0.1", train={100: -543, 1000000: -206.5})
    remarks = {candidate.lr: candidate.remark for candidate in selection(tmp_path).candidates}
    assert remarks[0.01] == ""
    assert "below a decoder that ignores z (-206.3)" in remarks[0.1]


def test_a_short_run_whose_training_average_still_holds_the_beginning_is_not(tmp_path):
    plant(tmp_path, train={100: -543, 100000: -228}, test={100: -543, 100000: -177})
    assert selection(tmp_path).chosen.remark == ""


def test_rows_say_what_was_compared_and_where_it_comes_from(tmp_path):
    first = plant(tmp_path, "optimizer.lr=0.01", train={100: -543, 1000000: -126})
    plant(tmp_path, "optimizer.lr=0.02", train={100: -543, 1000000: -130})
    table = {row["lr"]: row for row in rows(selection(tmp_path))}
    assert (table[0.01]["verdict"], table[0.02]["verdict"]) == ("selected", "rejected")
    assert (table[0.01]["compared_at"], table[0.01]["train_bound"]) == (1_000_000, -126)
    assert (table[0.01]["run"], table[0.01]["commit"]) == (first.name, COMMIT)
    assert len(str(table[0.01]["fingerprint"])) == 64


def test_runs_without_a_common_row_are_refused(tmp_path):
    plant(tmp_path, "optimizer.lr=0.01", train={100: -543})
    plant(tmp_path, "optimizer.lr=0.02", train={128: -543})
    with pytest.raises(
        UserError, match=r"cannot be compared.*; try: runs=\.\.\. with runs of one max_samples and one batch_size$"
    ):
        selection(tmp_path)


def test_a_single_learning_rate_needs_no_common_row(tmp_path):
    plant(tmp_path, "seed=0", train={300: -543})
    plant(tmp_path, "seed=1", train={1000: -200})
    choice = selection(tmp_path)
    assert (choice.at, choice.chosen.train_bound) == (1000, -200)
    assert [item.seed for item in choice.chosen.curves] == [0, 1]
    ((_, shown),) = representatives(finished(tmp_path)).items()
    assert shown.settings["seed"] == 1  # the longest
