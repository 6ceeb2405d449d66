"""pandas, which is an extra: tables in notebooks are its DataFrames."""

from typing import TYPE_CHECKING, Any

from aevb.errors import UserError

if TYPE_CHECKING:
    import pandas

__all__ = ["frame"]


def frame(data: Any, columns: list[str] | None = None, index: Any = None) -> "pandas.DataFrame":
    """Return a DataFrame.

    Args:
        data: Columns by name, or a list of rows.
        columns: Their order; None: as they come.
        index: The labels of the rows; None: 0, 1, 2, ...

    Raises:
        UserError: If pandas is not installed.
    """
    try:
        import pandas
    except ImportError as error:
        raise UserError(
            "pandas: not installed; tables of runs are its DataFrames; try: pip install 'aevb[notebook]'"
        ) from error
    return pandas.DataFrame(data, columns=columns, index=index)
