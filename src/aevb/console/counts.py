"""Numbers of things in messages."""

__all__ = ["counted", "rate_text"]


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun, "1 run" or "2,000 runs".

    Args:
        count: The number.
        noun: The singular.
        plural: The plural; by default the singular with an s.
    """
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"


def rate_text(rate: float) -> str:
    """Return a number per second, with two digits below 10: AIS takes seconds for an image, and 0.29 is not 0.

    Args:
        rate: The number per second.
    """
    return f"{rate:,.0f}" if rate >= 9.95 or rate == 0 else f"{rate:.2g}"
