"""Numbers of things in messages."""

__all__ = ["counted"]


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun, "1 run" or "2,000 runs".

    Args:
        count: The number.
        noun: The singular.
        plural: The plural; by default the singular with an s.
    """
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"
