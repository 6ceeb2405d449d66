"""Properties of the value types, over values as YAML can write them."""

import json
import math
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aevb.config.compound_types import Either, ListOf, Mapping
from aevb.config.value_types import (
    AnyValue,
    Boolean,
    Choice,
    InvalidValue,
    Nested,
    Null,
    Number,
    Text,
    ValueType,
)
from aevb.types import Range

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_subnormal=False) | st.text(max_size=8)
VALUES = st.recursive(
    SCALARS, lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text(max_size=4), below, max_size=3)
)
BOUNDS = st.tuples(st.integers(-100, 100), st.integers(0, 100), st.booleans(), st.booleans())
RANGES = BOUNDS.map(lambda ends: Range(ends[0], ends[0] + ends[1] + 2, ends[2], ends[3]))
NUMBERS = st.builds(Number, st.booleans(), RANGES | st.just(Range()))
SIMPLE = NUMBERS | st.sampled_from([Boolean(), Text(), Null(), Choice(("a", "b")), Choice((32, 64)), AnyValue()])
TYPES = st.recursive(
    SIMPLE,
    lambda below: (
        st.builds(Either, st.tuples(below, below))
        | st.builds(ListOf, st.tuples(below))
        | st.builds(ListOf, st.tuples(below, below), st.just(True))
        | st.builds(Mapping, below)
    ),
    max_leaves=4,
)
FIXED = settings(derandomize=True, max_examples=100, deadline=None)


def refusal(value_type: ValueType, value: Any) -> str | None:
    """What is wrong with the value; None if it is accepted."""
    try:
        value_type.read(value)
    except InvalidValue as fault:
        return str(fault)
    return None


def accepted(value_type: ValueType, value: Any) -> bool:
    return refusal(value_type, value) is None


@FIXED
@given(TYPES | st.just(Nested()), VALUES)
def test_any_value_is_read_or_refused_in_words(value_type: ValueType, value: Any) -> None:
    words = refusal(value_type, value)
    assert words is None or (words and "\n" not in words)
    assert str(value_type)


@FIXED
@given(TYPES, VALUES)
def test_reading_twice_changes_nothing(value_type: ValueType, value: Any) -> None:
    if accepted(value_type, value):
        once = value_type.read(value)
        assert repr(value_type.read(once)) == repr(once)  # by repr, as nan is not nan


@FIXED
@given(NUMBERS, SCALARS)
@example(Number(integer=False), 2**53 + 1)
@example(Number(integer=False, range=Range(high=2.0**53, high_open=False)), 2**53 + 1)
def test_a_number_lies_in_its_range(number: Number, value: Any) -> None:
    if accepted(number, value):
        read = number.read(value)
        assert read == (value if number.integer else float(value))
        assert read in number.range
        assert type(read) is (int if number.integer else float)
        assert math.isfinite(read)
    elif not isinstance(value, bool) and isinstance(value, int) and abs(value) < 1e300:
        assert (value if number.integer else float(value)) not in number.range


@FIXED
@given(SIMPLE, VALUES)
def test_a_suggestion_is_accepted(value_type: ValueType, value: Any) -> None:
    if (near := value_type.near(value)) is not None:
        assert accepted(value_type, near)


@FIXED
@given(TYPES, TYPES, VALUES)
def test_either_accepts_what_one_of_its_types_accepts(one: ValueType, other: ValueType, value: Any) -> None:
    assert accepted(Either((one, other)), value) == (accepted(one, value) or accepted(other, value))


@FIXED
@given(SIMPLE, st.lists(SCALARS, max_size=5))
def test_a_list_is_read_item_by_item(item: ValueType, values: list[Any]) -> None:
    every = all(accepted(item, value) for value in values)
    assert accepted(ListOf((item,)), values) == every
    if every:
        assert repr(ListOf((item,)).read(tuple(values))) == repr([item.read(value) for value in values])


@FIXED
@given(
    st.integers() | st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False) | st.booleans() | st.none()
)
def test_a_number_of_json_survives(value: Any) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    assert accepted(Number(integer=False), json.loads(json.dumps(value))) == (number and abs(value) < 2**1024)


def test_an_integer_without_a_float_is_refused() -> None:
    with pytest.raises(InvalidValue, match="out of range"):
        Number(integer=True).read(10**400)


@pytest.mark.parametrize("value", [2**62, float(2**62), 1e30, -1e30])
def test_an_integer_beyond_62_bits_is_refused(value: float) -> None:
    with pytest.raises(InvalidValue, match="more than 62 bits"):
        Number(integer=True).read(value)
    assert Number(integer=True).read(2**62 - 1) == 2**62 - 1
    assert Number(integer=False).read(value) == value
