"""A headless Chromium that a test clicks, drags and types in: the W3C WebDriver protocol, spoken to chromedriver."""

import base64
import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

__all__ = ["CHROMEDRIVER", "CHROMIUM", "Browser", "browser"]

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
CHROMEDRIVER = shutil.which("chromedriver")
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--hide-scrollbars",
)


class Browser:
    """One window. Positions are CSS pixels from the upper left corner of an element."""

    def __init__(self, session: str) -> None:
        self._session = session

    def _post(self, path: str, **body: Any) -> Any:
        reply = requests.post(f"{self._session}/{path}", json=body, timeout=120)
        value = reply.json()["value"]
        if not reply.ok:
            raise AssertionError(f"{path}: {value['error']}: {value['message']}")
        return value

    def close(self) -> None:
        """Loads an empty page, so that what is opened next is loaded anew."""
        self._post("url", url="about:blank")

    def open(self, page: Path, fragment: str = "") -> None:
        """Loads a file; with another fragment only, the page sees a change of its address."""
        self._post("url", url=page.resolve().as_uri() + fragment)

    def reload(self) -> None:
        """Loads the page again, as its own button of the browser does."""
        self._post("refresh")

    def run(self, script: str, *arguments: Any) -> Any:
        """The value that a script returns; a promise is waited for."""
        return self._post("execute/sync", script=script, args=list(arguments))

    def wait(self, condition: str, seconds: float = 60) -> Any:
        """Waits until the expression is true, and returns its value."""
        end = time.monotonic() + seconds
        while not (value := self.run(f"return ({condition})")):
            if time.monotonic() > end:
                raise AssertionError(f"not true after {seconds} s: {condition}")
            time.sleep(0.1)
        return value

    def text(self, selector: str) -> str:
        """What an element shows."""
        return self.run("return document.querySelector(arguments[0]).textContent", selector)

    def _element(self, selector: str) -> dict[str, str]:
        return self._post("element", using="css selector", value=selector)

    def drag(self, selector: str, *path: tuple[float, float], pointer: str = "mouse") -> None:
        """Presses at the first point, moves through the others and lets go; points are shares of the element's size."""
        box = self.run(
            "const e = document.querySelector(arguments[0]); e.scrollIntoView({block: 'center'}); "
            "const b = e.getBoundingClientRect(); return [b.left, b.top, b.width, b.height]",
            selector,
        )
        points = [{"x": round(box[0] + x * box[2]), "y": round(box[1] + y * box[3])} for x, y in path]
        pointer_moves = [{"type": "pointerMove", "duration": 30, "origin": "viewport", **point} for point in points]
        actions = [
            pointer_moves[0],
            {"type": "pointerDown", "button": 0},
            *pointer_moves[1:],
            {"type": "pointerUp", "button": 0},
        ]
        source = {"type": "pointer", "id": pointer, "parameters": {"pointerType": pointer}, "actions": actions}
        self._post("actions", actions=[source])

    def click(self, selector: str) -> None:
        """Clicks on an element."""
        self._post(f"element/{self._element(selector)[ELEMENT]}/click")

    def type(self, selector: str, keys: str) -> None:
        """Types into an element."""
        self._post(f"element/{self._element(selector)[ELEMENT]}/value", text=keys)

    def resize(self, width: int, height: int) -> None:
        """Sets the size of the window."""
        self._post("window/rect", width=width, height=height)

    @contextmanager
    def width(self, width: int) -> Iterator[None]:
        """Shows pages in that width, which may be smaller than that of any window."""
        sizes = {"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": False}
        self._post("goog/cdp/execute", cmd="Emulation.setDeviceMetricsOverride", params=sizes)
        try:
            yield
        finally:
            self._post("goog/cdp/execute", cmd="Emulation.clearDeviceMetricsOverride", params={})

    def picture(self, file: Path) -> Path:
        """A screenshot of the window."""
        image = requests.get(f"{self._session}/screenshot", timeout=60).json()["value"]
        file.write_bytes(base64.b64decode(image))
        return file

    def devtools(self, command: str, **parameters: Any) -> Any:
        """What a command of Chromium's DevTools protocol answers."""
        return self._post("goog/cdp/execute", cmd=command, params=parameters)

    def log(self, kind: str) -> list[dict[str, Any]]:
        """What the browser noted since the last call: kind "browser" (the console) or "performance" (the network)."""
        return self._post("se/log", type=kind)

    def requests(self) -> list[str]:
        """The addresses that the page asked for since the last call."""
        events = [json.loads(entry["message"])["message"] for entry in self.log("performance")]
        return [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]


@contextmanager
def browser(width: int = 1480, height: int = 1000) -> Iterator[Browser]:
    """A window of that size; it ends with the block."""
    driver = subprocess.Popen(
        [str(CHROMEDRIVER), "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    session = ""
    try:
        assert driver.stdout is not None
        port = next(
            match.group(1) for line in driver.stdout if (match := re.search(r"successfully on port (\d+)", line))
        )
        options = {"binary": CHROMIUM, "args": [*FLAGS, f"--window-size={width},{height}"]}
        capabilities = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}
        body = {"capabilities": {"alwaysMatch": capabilities}}
        value = requests.post(f"http://127.0.0.1:{port}/session", json=body, timeout=120).json()["value"]
        session = f"http://127.0.0.1:{port}/session/{value['sessionId']}"
        yield Browser(session)
    finally:
        if session:
            requests.delete(session, timeout=30)
        driver.terminate()
        driver.wait(timeout=30)
        if driver.stdout:
            driver.stdout.close()
