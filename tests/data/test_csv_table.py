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
        (
            "a,b,c\n1,2\n",
            "3 names of columns above 2 columns; allowed: a name for each column; try: a first line with 2 names",
        ),
        ("y,label,a\n1,2,3\n", "columns y, label; allowed: one column of labels; try: the file without column label"),
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
        ("a,b\n0.5,1\n0.5\n", "try: as many cells in every row"),
        ("a,b\n", "no rows below the names of the columns; allowed: "),
        ("a,b\n\n \n", "no rows below the names of the columns; allowed: "),
    ],
)
@pytest.mark.filterwarnings("error")
def test_a_cell_that_is_no_number(text: str, remedy: str) -> None:
    with pytest.raises(UserError, match=remedy):
        read_csv(io.BytesIO(text.encode()))


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("a b\n0.5 1\n", "try: commas between the cells"),
        ('a,b\n"1,000",2\n', "try: 1000 for 1,000, or a decimal point"),
        ("a,b\nTrue,2\n", "try: 0 for False and 1 for True"),
        ("a,b\r1,2\r", "lines without line feeds"),
        ("x,y\n0.5,2\n0.5,0.25\n", r"column y holds 0\.25 in row 1, which is no class; .* try: another name"),
        ("a,label\n0.5,nan\n", "column label holds nan in row 0, .* try: remove the rows without a class"),
        ("label\n1\n2\n", "column label alone, which holds classes; allowed: columns of numbers beside it"),
        (",a\n0,0.5\n1,0.25\n", r"the first column has no name, .* try: table\.to_csv\('mine\.csv', index=False\)"),
        ("Unnamed: 0,a\n0,0.5\n", "the first column has no name"),
    ],
)
def test_what_other_programs_write_is_refused(text: str, remedy: str) -> None:
    with pytest.raises(UserError, match=remedy):
        table(text)


def test_numbers_as_names_are_no_datapoint() -> None:
    arrays, source = read_csv(io.BytesIO(b"0,1,2\n0.5,0.25,0\n1,0.75,0\n"))
    assert arrays["x"].tolist() == [[0.5, 0.25, 0], [1, 0.75, 0]]
    assert source == "a table of 2 rows below the names 0..2"
    assert len(table("0,1\n1,0\n")["x"]) == 2  # two bits are a datapoint
    assert len(table("0,1,3\n1,0,1\n")["x"]) == 2


def test_lines_before_the_names_and_quotes_within_them() -> None:
    arrays = table('\n\n"a, b", "label"\n0.5, 1\n0.25, 0\n')
    assert arrays["x"].tolist() == [[0.5], [0.25]]
    assert arrays["label"].tolist() == [1, 0]
    with pytest.raises(UserError, match="at row 0, column 1; rows count from 0 after line 3"):
        table("\n\na,b\ncat,1\n")


def test_a_first_line_without_names_or_numbers_is_refused() -> None:
    with pytest.raises(UserError) as caught:
        table("?,?\n0.5,0.25\n")
    assert str(caught.value) == (
        "the first line has neither a name nor a number: column 1 holds '?'; allowed: a name for each column, or a number in "
        "every cell; try: fill the missing cells, or remove their rows"
    )


@pytest.mark.parametrize("cell", ["", "NA", "?"])
def test_a_first_datapoint_with_a_missing_cell_is_refused(cell: str) -> None:
    with pytest.raises(UserError) as caught:
        table(f"0.5,{cell},0.3\n0.5,0.25,0.3\n")
    assert str(caught.value) == (
        f"the first line is neither names nor numbers: column 2 holds '{cell}' beside 0.5; allowed: a name for each "
        "column, or a number in every cell; try: fill the missing cells, or remove their rows"
    )


def test_names_that_are_partly_numbers_are_refused() -> None:
    with pytest.raises(UserError, match=r"column 2 holds 'b' beside 7; .* try: names that are no numbers"):
        table("7,b\n1,2\n")
    with pytest.raises(UserError, match="try: a decimal point for the comma"):
        table("0,5;1;2\n0,5;1;2\n")


@pytest.mark.parametrize("header", ["label,0,1", "0,1,label"])
def test_the_label_beside_numbers_as_names(header: str) -> None:
    arrays = table(f"{header}\n1,1,1\n3,3,3\n")
    assert arrays["x"].tolist() == [[1, 1], [3, 3]]
    assert arrays["label"].tolist() == [1, 3]


def test_the_row_numbers_of_pandas_beside_numbers_as_names() -> None:
    with pytest.raises(UserError, match="the first column has no name"):
        table(",0,1\n0,0.5,0.25\n")
