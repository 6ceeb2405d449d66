"""Text for a terminal: what somebody else may have written, made safe, and estimates with their errors."""

import math
import re

__all__ = ["error_text", "printable", "with_error", "without_controls"]

CONTROLS = re.compile("[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069\\ud800-\\udfff]")


def printable(text: object, newlines: bool = False) -> str:
    r"""Return text in which control characters, escape sequences and lone surrogates are written as escapes.

    Args:
        text: Anything with a string form: a path, the name of a run, a line of FAILED.
        newlines: Whether newlines stay; otherwise they become the two characters `\n`.

    Returns:
        The text on one line, unless newlines stay. The same text if there is nothing to escape.
    """
    words = str(text)
    if words.isprintable():
        return words
    return "".join(
        character
        if character.isprintable() or (newlines and character == "\n")
        else character.encode("unicode_escape", "surrogatepass").decode("ascii")
        for character in words
    )


def without_controls(page: str) -> str:
    """Return a page in which control characters, those of the direction of text and lone surrogates are escapes.

    Args:
        page: HTML, of which newlines and tabs stay.
    """
    if page.isascii():
        return page.translate(ASCII_ESCAPES)  # a fifth of the time, which counts for tables of 50 MB
    return CONTROLS.sub(lambda match: printable(match[0]), page)


ASCII_ESCAPES = {code: printable(chr(code)) for code in range(128) if CONTROLS.match(chr(code))}


def with_error(mean: float, error: float | None, digits: int) -> str:
    """Return "mean ± error"; the mean alone where there is no error, as of a single image.

    Args:
        mean: The mean.
        error: Its standard error; None or nan if there is none.
        digits: Decimal places.
    """
    text, stated = f"{mean:.{digits}f}", error_text(error, digits)
    return f"{text} ± {stated}" if stated else text


def error_text(error: float | None, digits: int) -> str:
    """Return a standard error; empty where there is none, as of a single image.

    Args:
        error: The standard error; None or nan if there is none.
        digits: Decimal places.
    """
    return "" if error is None or not math.isfinite(error) else f"{error:.{digits}f}"
