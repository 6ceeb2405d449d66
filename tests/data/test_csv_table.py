"""Tables of numbers as text: headers, separators, labels, and cells that are no numbers."""

import io

import numpy as np
import pytest

from aevb.data.csv_table import read_csv
from aevb.errors import UserError


def table(text: str) -> dict[str, np.ndarray]:
    return read_csv(io.BytesIO(text.encode()))[0]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("header", ["", "a{0}b{0}label\n"])
def test_separators_and_headers(separator: str, header: str) -> None:
    rows = "".join(separator.join(row) + "\n" for row in (("1.5", "2", "0"), ("-3e2", "4", "7")))
    arrays = table(header.format(separator) + rows)
    numbers = np.array([[1.5, 2, 0], [-300, 4, 7]])
    if header:
        assert np.array_equal(arrays["x"], numbers[:, :2])
        assert arrays["label"].tolist() == [0, 7]
    else:
        assert np.array_equal(arrays["x"], numbers)
        assert set(arrays) == {"x"}


def test_integers_stay_integers() -> None:
    assert table("label,p0,p1\n3,0,255\n4,7,8\n")["x"].dtype == np.int64
    assert table("p0,p1\n0.5,255\n7,8\n")["x"].dtype == np.float64


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b\n1,2\n3,cat\n", "could not convert string 'cat'"),
        ("1,2\n3\n", "number of columns changed from 2 to 1"),
        ("1,2\n3,\n", "could not convert string ''"),
        ("a,b,c\n1,2\n", "3 names of columns above 2 columns"),
        ("y,label,a\n1,2,3\n", "columns y, label; allowed: one column of labels"),
    ],
)
def test_what_is_no_table_of_numbers(text: str, words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        table(text)
    assert "\n" not in str(caught.value)
    assert "usecols" not in str(caught.value)


def test_bytes_that_are_no_utf8() -> None:
    with pytest.raises(UserError, match="not UTF-8"):
        read_csv(io.BytesIO(b"1,2\n3,\xff\n"))


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("a;b\n0,5;1\n", "try: a decimal point for the comma"),
        ("a,b\n0.5,\n", "try: fill the missing cells"),
        ("a,b\n0.5,NA\n", "try: fill the missing cells"),
        ("a,b\n0.5,cat\n", "try: remove or number that column"),
        ("a,b\n", "no rows below the names of the columns; allowed: "),
        ("a,b\n\n \n", "no rows below the names of the columns; allowed: "),
    ],
)
@pytest.mark.filterwarnings("error")
def test_a_cell_that_is_no_number(text: str, remedy: str) -> None:
    with pytest.raises(UserError, match=remedy):
        read_csv(io.BytesIO(text.encode()))
