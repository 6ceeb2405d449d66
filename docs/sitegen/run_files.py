"""The reference of the files of a run directory, from the docstring of aevb.runs.layout."""

from collections.abc import Iterator
from inspect import cleandoc

from aevb.runs import layout
from sitegen.markdown import fenced

__all__ = ["pages"]


def pages() -> Iterator[tuple[str, str]]:
    """Yield name and Markdown of the page."""
    tree = cleandoc(layout.__doc__ or "").partition("looks like this:")[2]
    parts = [
        "# Files of a run",
        "Everything that a run writes lies in its run directory. The names are defined once, in {py:mod}`aevb.runs.layout`:",
        fenced(cleandoc(tree)),
        "[The run directory](../commands.md#the-run-directory) says what is in each file, and what the columns of "
        "`metrics.csv` mean.",
    ]
    yield "reference/run-files.md", "\n\n".join(parts)
