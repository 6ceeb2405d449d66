"""What a logger of another library refuses, in one line. The traceback is in FAILED of the run."""

from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from aevb.errors import UserError, resource_error

__all__ = ["finalize_failed_quietly", "in_one_line"]

P = ParamSpec("P")
T = TypeVar("T")


def in_one_line(call: Callable[P, T]) -> Callable[P, T]:
    """Make a UserError of whatever a method of a run logger raises, except for what the run explains itself.

    Args:
        call: The method.

    Returns:
        The method.
    """

    @wraps(call)
    def method(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return call(*args, **kwargs)
        except Exception as error:
            of_the_machine = isinstance(error, OSError) and error.errno
            if isinstance(error, UserError) or of_the_machine or resource_error(error) is not None:
                raise
            reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
            raise UserError(
                f"logger: {type(args[0]).__name__} failed ({reason}); allowed: a logger that takes what it is given; "
                "try: mend that, then the same command, which resumes the run, or logger=none"
            ) from error

    return method


def finalize_failed_quietly(logger: Any) -> None:
    """Let a logger not hide why a run has ended: Lightning finalizes it first, and what it raised then would be shown.

    Args:
        logger: A Lightning logger.
    """
    finalize = logger.finalize

    def method(status: str) -> None:
        if status == "success":
            finalize(status)
            return
        with suppress(Exception):
            finalize(status)

    logger.finalize = method
