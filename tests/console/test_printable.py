"""Text that somebody else may have written, made safe; estimates with their errors."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aevb.console.printable import CONTROLS, printable, with_error, without_controls


@given(st.text(st.characters(max_codepoint=127)))
def test_ascii_pages_lose_the_controls_of_any_page(page: str) -> None:
    assert without_controls(page) == CONTROLS.sub(lambda match: printable(match[0]), page)
    assert without_controls(f"{page}é") == f"{without_controls(page)}é"


def test_newlines_and_tabs_stay_and_escapes_are_written_out() -> None:
    assert without_controls("a\tb\n\x1b[2J\x7f") == "a\tb\n\\x1b[2J\\x7f"


@pytest.mark.parametrize(
    ("error", "text"), [(0.126, "-11.08 ± 0.13"), (0.0, "-11.08 ± 0.00"), (math.nan, "-11.08"), (None, "-11.08")]
)
def test_an_estimate_without_an_error_is_its_mean(error: float | None, text: str) -> None:
    assert with_error(-11.081, error, 2) == text
