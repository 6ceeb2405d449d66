"""Which blocks reach an evaluation point, and which rows a longer run keeps."""

from aevb.training.schedule import EvaluationSchedule


def test_points_and_the_end_are_reached() -> None:
    schedule = EvaluationSchedule(1234)
    assert schedule.is_reached(0, 100)
    assert not schedule.is_reached(100, 150)
    assert schedule.is_reached(150, 200)
    assert schedule.is_reached(1150, 1250), "the end"
    assert not schedule.is_reached(1250, 1250), "an empty block"


def test_points_before_the_first_are_skipped_but_not_the_end() -> None:
    schedule = EvaluationSchedule(400, first=300)
    assert [after for after in range(100, 500, 100) if schedule.is_reached(after - 100, after)] == [300, 400]
    assert EvaluationSchedule(200, first=300).is_reached(100, 200)


def test_multiples_are_points_too() -> None:
    schedule = EvaluationSchedule(10_000, every=400)
    assert [after for after in range(100, 1300, 100) if schedule.is_reached(after - 100, after)] == [
        100, 200, 300, 400, 500, 800, 1000, 1200,
    ]  # fmt: skip


def test_the_end_of_a_shorter_run_is_dropped() -> None:
    rows = [{"samples_seen": seen} for seen in (100, 200, 300, 500, 700)]
    assert EvaluationSchedule(1000).without_former_end(rows, 100) == rows[:-1]
    assert EvaluationSchedule(1000).without_former_end(rows[:-1], 100) == rows[:-1]
    assert EvaluationSchedule(1000, every=350).without_former_end(rows, 100) == rows
    assert EvaluationSchedule(1000, first=600).without_former_end(rows[:-1], 100) == rows[:3]
    assert EvaluationSchedule(1000, first=400).without_former_end(rows[:-1], 100) == rows[:-1], "earlier rows stay"
