"""A time span as it is written in a config: seconds, or [DD:]HH:MM:SS."""

import re

__all__ = ["seconds_of"]

CLOCK = re.compile(r"(?:(\d+):)?(\d+):([0-5]?\d):([0-5]?\d)")


def seconds_of(value: str | float) -> float | None:
    """Return a time span in seconds.

    Args:
        value: Seconds, or a text as "00:10:00" or "01:12:00:00" (days first).

    Returns:
        Seconds above 0; None if the value is no time span.
    """
    if isinstance(value, str):
        match = CLOCK.fullmatch(value)
        if match is None:
            return None
        days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
        value = ((24 * days + hours) * 60 + minutes) * 60 + seconds
    return float(value) if value > 0 else None
