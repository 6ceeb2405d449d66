"""Lines that share most values are written as the same lines one by one."""

import csv
import io
import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from aevb.figures.common.base import CsvLines, csv_text

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.floats().map(np.float64),
    st.text(st.sampled_from('a1,";\n\r .-é'), max_size=6),
)


@given(st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=4), st.lists(VALUES, min_size=3, max_size=3))
def test_shared_values_are_written_on_every_line(pairs, shared):
    first, second, third = shared
    rows = [{"a": first, "x": x, "b": second, "y": y, "c": third} for x, y in pairs]
    x, y = (list(column) for column in zip(*pairs, strict=True))
    block = CsvLines(a=first, x=x, b=second, y=y, c=third)
    before, after = {"a": 1, "z": "before"}, {"z": "after"}
    assert csv_text([before, block, after]) == csv_text([before, *rows, after])


def test_the_text_is_that_of_the_csv_module():
    rows = [{"a": 'say "no", or\nnot', "b": 0.1}, {"a": None, "b": math.nan}, {"a": "", "b": 1}]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([["a", "b"], [rows[0]["a"], 0.1], ["", ""], ["", 1]])
    assert csv_text(rows) == text.getvalue()
