"""Pages of short runs, and a browser to open them in."""

from collections.abc import Iterator

import pytest

from helpers.explorer_pages import Page, make_pages, open_pages
from helpers.made_once import made_once
from helpers.webdriver import Browser, browser


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Page]:
    """By name of the decoder or the prior: J = 2, 5, 2, 2, 2, 3."""
    return open_pages(made_once(tmp_path_factory, "explorer", make_pages))


@pytest.fixture(scope="session")
def page(pages: dict[str, Page]) -> Page:
    """Two latent dimensions and a Bernoulli decoder."""
    return pages["bernoulli"]


@pytest.fixture(scope="module")
def window() -> Iterator[Browser]:
    """One browser for the tests of a module."""
    with browser() as window:
        yield window
