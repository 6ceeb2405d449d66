"""Text that somebody else may have written, made safe for a terminal."""

__all__ = ["printable"]


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
