"""The exceptions that speak to users."""

__all__ = ["ReportedError", "UserError"]


class UserError(Exception):
    """A fault the user can mend.

    The message is one line: the key or file, what was given, what is allowed, what to try. Entry points print
    it without a traceback and exit with a code other than zero.
    """


class ReportedError(UserError):
    """A fault that the process it was found in has printed; the message is for the account at the end of a sweep."""
