"""The one exception that speaks to users."""

__all__ = ["UserError"]


class UserError(Exception):
    """A fault the user can mend.

    The message is one line: the key or file, what was given, what is allowed, what to try. Entry points print
    it without a traceback and exit with a code other than zero.
    """
