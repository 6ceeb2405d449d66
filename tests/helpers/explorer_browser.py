"""The explorer in a browser: opened until its self-test has ended, and waited for until nothing moves."""

from pathlib import Path

from helpers.webdriver import Browser

__all__ = ["DRAW", "opened", "settled"]

DRAW = [(0.3, 0.2), (0.7, 0.2), (0.5, 0.8)]
"""The corners of a stroke, in units of the paper."""

READY = "document.querySelector('#selftest').className"


def opened(window: Browser, file: Path, fragment: str = "") -> Browser:
    """The page in a new window, when its self-test has ended."""
    window.close()
    window.log("browser"), window.requests()
    window.open(file, fragment)
    window.wait(READY)
    return window


def settled(window: Browser) -> str:
    """The numbers of x when nothing moves."""
    window.wait("document.querySelector('#numbers').getAttribute('aria-busy') === 'false' && !state.drawing", 30)
    return window.text("#n-elbo")
