"""Takes the pictures of docs/report.md from a report of the committed runs, in a headless Chromium.

    PYTHONPATH=tests python scripts/screenshots.py

docs/report/details.png is not among them: the committed runs have no images.
"""

import io
import tempfile
from pathlib import Path

from PIL import Image

from aevb.report import write_report
from aevb.runs.status import directories
from helpers.webdriver import Browser, browser

REPOSITORY = Path(__file__).resolve().parents[1]
TOP = "document.querySelector(arguments[0]).scrollIntoView()"
RUNS = "filter.value = 'data=mnist latent_dim=20 lr<0.05 bound>-110'; filter.dispatchEvent(new Event('input'))"
PAIR = """for (const [id, name] of [['run-a', arguments[0]], ['run-b', arguments[1]]]) {
    const select = document.getElementById(id);
    select.selectedIndex = [...select.options].findIndex((option) => option.text === name);
    select.dispatchEvent(new Event('change'));
}"""


def take(window: Browser, name: str, section: str, height: int) -> None:
    """Save what the window shows from a section on as docs/report/<name>.png, with 256 colours.

    Args:
        window: The window, 1480 pixels wide.
        name: The name of the picture.
        section: A CSS selector.
        height: The height of the picture, pixels.
    """
    window.run(TOP, section)
    with tempfile.TemporaryDirectory() as folder:
        picture = Image.open(io.BytesIO(window.picture(Path(folder) / "window.png").read_bytes())).convert("RGB")
    picture = picture.crop((0, 0, picture.width, min(height, picture.height)))
    # Median cut, the default, makes the blue of a line the green of another.
    picture = picture.quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=2, dither=Image.Dither.NONE)
    picture.save(REPOSITORY / "docs" / "report" / f"{name}.png", optimize=True)


def main() -> None:
    """Write the report, open it, take the pictures."""
    with tempfile.TemporaryDirectory() as folder, browser(1480, 1150) as window:
        page = Path(folder) / "report.html"
        write_report(directories(REPOSITORY / "results" / "runs"), page)
        window.open(page)
        take(window, "curves", "#curves", 1000)
        window.click("#show-3")
        take(window, "difference", "#curves", 1000)
        take(window, "paper", "#paper", 860)
        window.run(RUNS)
        take(window, "runs", "#runs", 520)
        window.run(PAIR, "mnist-sgvb_b-adagrad-z20-s1-54d0f6", "mnist-sgvb_b-adagrad-z200-s2-54d0f6")
        take(window, "compare", "#difference", 857)


if __name__ == "__main__":
    main()
