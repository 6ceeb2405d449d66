"""Times in words."""

__all__ = ["duration"]


def duration(seconds: float) -> str:
    """Return a duration in two units, as in "2 h 05 min".

    Args:
        seconds: The duration, seconds.
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
