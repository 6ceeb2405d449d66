"""The exceptions that speak to users."""

import errno
import re

__all__ = ["SURROGATES", "ReportedError", "UserError", "resource_error"]

SURROGATES = re.compile(r"[^\s'\"]{0,80}[\ud800-\udfff][^\s'\"]{0,80}")
"""A word with what Python reads for bytes of a file name that are not UTF-8."""

MEMORY = re.compile(
    r"(can't|cannot|could not|unable to) allocate|out of memory|failed to map segment|can't start new thread",
    re.IGNORECASE,
)
"""What libraries say when there is too little memory, each in its own kind of exception."""


class UserError(Exception):
    """A fault the user can mend.

    The message is one line: the key or file, what was given, what is allowed, what to try. Entry points print
    it without a traceback and exit with a code other than zero.
    """


class ReportedError(UserError):
    """A fault that the process it was found in has printed; the message is for the account at the end of a sweep."""


def resource_error(error: BaseException) -> UserError | None:
    """Return the error for users if a library meets a limit of the machine; None for any other.

    Such limits are too little memory, too many processes, and a name of a file or folder that is not UTF-8.

    Args:
        error: The exception of Python, NumPy, torch or the dynamic linker.
    """
    if isinstance(error, UnicodeEncodeError) and (name := SURROGATES.search(error.object)):
        shown = name[0].encode("ascii", "backslashreplace").decode("ascii")
        return UserError(
            f"{shown}: a name that is not UTF-8, which a library cannot write; allowed: UTF-8; try: rename it"
        )
    if isinstance(error, BlockingIOError) and error.errno == errno.EAGAIN and error.filename is None:  # of fork
        return UserError(
            f"processes: no more may start ({error.strerror}); allowed: one for each core and a few more; "
            "try: a higher limit (ulimit -u), or fewer jobs at a time (hydra.launcher.cores=1)"
        )
    no_memory = isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM)
    says_so = isinstance(error, RuntimeError | ImportError | OSError) and MEMORY.search(str(error))
    if not (no_memory or says_so):
        return None
    words = " ".join(str(error).split())[:120] or "MemoryError"
    return UserError(
        f"memory: too little ({words}); allowed: what the data, the model and torch need; "
        "try: a higher limit (ulimit -v, or -u for threads), batch_size=, evaluation.num_images= or num_images= smaller, or fewer jobs at a time"
    )
