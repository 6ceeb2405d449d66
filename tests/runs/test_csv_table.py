"""Tables of numbers: what is read by columns is what is read row by row, and both refuse the same."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aevb.errors import UserError
from aevb.runs.csv_table import CLOCK, cells_of, parse_columns, parse_rows

PATH = Path("run/metrics.csv")
CELLS = st.one_of(
    st.sampled_from(
        [
            "",
            "1",
            "-0.5",
            "1e400",
            "-inf",
            "inf",
            "nan",
            "-1",
            "x",
            '"2"',
            '"',
            "1_0",
            " 3",
            "\r",
            "4611686018427387904",
        ]
    ),
    st.integers(-5, 1 << 63).map(str),
    st.floats().map(repr),
)


def by_rows(text: str) -> dict[str, list[float]] | str:
    try:
        rows = parse_rows(text, PATH)
    except UserError as error:
        return str(error)
    names = list(rows[0]) if rows else []
    return {name: [int(row[name]) if name == CLOCK else float(row[name] or "nan") for row in rows] for name in names}


def by_columns(text: str) -> dict[str, list[float]] | str:
    try:
        return {name: values.tolist() for name, values in parse_columns(text, PATH).items()}
    except UserError as error:
        return str(error)


@given(
    st.lists(st.lists(CELLS, min_size=1, max_size=3), max_size=4),
    st.sampled_from(["\n", "\n\n", "\r\n"]),
    st.booleans(),
)
def test_columns_are_those_of_the_rows(rows, newline, ends):
    lines = [f"{CLOCK},train_bound,test_bound", *map(",".join, rows)]
    text = newline.join(lines) + newline * ends
    assert repr(by_columns(text)) == repr(by_rows(text))


@given(
    st.lists(st.tuples(st.integers(0, 1 << 40), st.floats(allow_infinity=False)), min_size=1, max_size=5), st.booleans()
)
def test_cells_are_those_that_were_written(points, quoted):
    quote = '"' if quoted else ""
    text = f"{CLOCK},train_bound\n" + "".join(f"{seen},{quote}{bound!r}{quote}\n" for seen, bound in points)
    assert cells_of(text) == [[CLOCK, "train_bound"], *([str(seen), repr(bound)] for seen, bound in points)]
    table = parse_columns(text, PATH)
    assert table[CLOCK].dtype == np.int64
    assert table["train_bound"].dtype == np.float64


@pytest.mark.parametrize("text", ["", "samples_seen,train_bound\n"])
def test_a_table_without_rows_has_no_columns(text):
    assert parse_columns(text, PATH) == {}


def test_an_empty_cell_is_nan_and_infinity_as_it_is_written_is_kept():
    table = parse_columns(f"{CLOCK},train_bound\n1,\n2,inf\n", PATH)["train_bound"]
    assert math.isnan(table[0])
    assert table[1] == math.inf
