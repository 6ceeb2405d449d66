"""Evaluation points: the absolute sample counts 1, 2, 3, 5 x 10^k at which a run is evaluated."""

__all__ = ["is_evaluation_point", "next_evaluation_point"]


def next_evaluation_point(samples_seen: int, every: int | None = None) -> int:
    """Return the next evaluation point: 1, 2, 3 or 5 x 10^k, or a multiple of `every`.

    Args:
        samples_seen: The training samples seen so far.
        every: If given, its multiples are evaluation points too.
    """
    scale = 10 ** max(0, len(str(samples_seen)) - 1)
    point = next(point for point in (scale, 2 * scale, 3 * scale, 5 * scale, 10 * scale) if point > samples_seen)
    return point if every is None else min(point, (samples_seen // every + 1) * every)


def is_evaluation_point(before: int, after: int, every: int | None = None) -> bool:
    """Return whether an evaluation point lies in (before, after].

    Training advances by whole rounds, so it may pass a point.

    Args:
        before: samples_seen before.
        after: samples_seen after.
        every: If given, its multiples are evaluation points too.
    """
    return next_evaluation_point(before, every) <= after
