"""Learning-rate schedules against values worked out by hand."""

import math

import pytest

from aevb.optimizers.schedules import IWAE, Constant, Cosine, Step, WarmUp

N = 50_000
# Burda et al. 2016, section 5: stage i has 3^i passes at 0.001 * 10^(-i/7). Passes before the stage, learning rate.
BURDA = [
    (0, 1.0000e-3),
    (1, 7.1969e-4),
    (4, 5.1795e-4),
    (13, 3.7276e-4),
    (40, 2.6827e-4),
    (121, 1.9307e-4),
    (364, 1.3895e-4),
    (1093, 1.0000e-4),
]


@pytest.mark.parametrize(("passes", "lr"), BURDA)
def test_iwae_has_the_learning_rates_of_the_paper(passes, lr):
    schedule = IWAE(N)
    assert 1e-3 * schedule.factor(passes * N) == pytest.approx(lr, rel=1e-4)
    if passes:
        assert schedule.factor(passes * N - 1) > schedule.factor(passes * N)


def test_the_stages_of_iwae_have_3_to_the_i_passes():
    schedule, seen, lengths = IWAE(N), 0, []
    while (after := schedule.constant_until(seen)) < math.inf:
        lengths.append((after - seen) // N)
        seen = after
    lengths.append(3280 - seen // N)
    assert lengths == [1, 3, 9, 27, 81, 243, 729, 2187]
    assert schedule.factor(10**9) == schedule.factor(3279 * N) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("schedule", "values"),
    [
        (Constant(), {0: 1.0, 10**9: 1.0}),
        (Step(100, 0.1), {0: 1.0, 99: 1.0, 100: 0.1, 199: 0.1, 200: 0.01}),
        (Cosine(1000), {0: 1.0, 250: (1 + math.sqrt(0.5)) / 2, 500: 0.5, 1000: 0.0, 5000: 0.0}),
        (Cosine(1000, 0.2), {0: 1.0, 500: 0.6, 1000: 0.2, 5000: 0.2}),
        (WarmUp(1000), {0: 0.0, 100: 0.1, 1000: 1.0, 5000: 1.0}),
        (WarmUp(1000, 0.5), {0: 0.5, 500: 0.75, 1000: 1.0}),
    ],
)
def test_values_by_hand(schedule, values):
    for seen, factor in values.items():
        assert schedule.factor(seen) == pytest.approx(factor, abs=1e-12)


@pytest.mark.parametrize("schedule", [Constant(), Step(37, 0.5), Cosine(200), WarmUp(150, 0.1), IWAE(10, 4)])
def test_the_factor_changes_where_the_schedule_says(schedule):
    seen = 0
    while seen < 500:
        after = schedule.constant_until(seen)
        assert after > seen
        stretch = range(seen, int(min(after, 500)))
        assert {schedule.factor(s) for s in stretch} == {schedule.factor(seen)}
        seen = int(min(after, 500))


@pytest.mark.parametrize("kind", [Constant, Step, Cosine, WarmUp, IWAE])
def test_continuous_says_whether_every_update_differs(kind):
    arguments = {Constant: (), Step: (100,), Cosine: (100,), WarmUp: (100,), IWAE: (100,)}[kind]
    schedule = kind(*arguments)
    assert schedule.continuous == (schedule.constant_until(10) == 11)
