"""Takes the pictures of docs/report.md, docs/getting-started.md and docs/explorer.md, in a headless Chromium.

    PYTHONPATH=tests python scripts/screenshots.py report      # of the committed runs
    PYTHONPATH=tests python scripts/screenshots.py demo        # of the sweep of scripts/demo, which it trains in a minute
    PYTHONPATH=tests python scripts/screenshots.py explorer    # of five models that it trains in three minutes

docs/report/details.png is not among them: the committed runs have no images.
"""

import io
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from aevb.explorer.page import write_page
from aevb.report import write_report
from aevb.runs.status import directories
from helpers.webdriver import Browser, browser

REPOSITORY = Path(__file__).resolve().parents[1]
TOP = "document.querySelector(arguments[0]).scrollIntoView()"
RUNS = "filter.value = 'data=mnist latent_dim=20 lr<0.05 bound>-110'; filter.dispatchEvent(new Event('input'))"
POINT = """const chart = document.querySelectorAll('svg.chart')[arguments[0]], box = chart.getBoundingClientRect();
    chart.dispatchEvent(new PointerEvent('pointermove', { clientX: box.left + 0.7 * box.width, clientY: box.top + 90 }));"""
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
    picture = shown(window, height)
    # Median cut, the default, makes the blue of a line the green of another.
    picture = picture.quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=2, dither=Image.Dither.NONE)
    picture.save(REPOSITORY / "docs" / "report" / f"{name}.png", optimize=True)


def shown(window: Browser, height: int) -> Image.Image:
    """Return the upper part of what a window shows.

    Args:
        window: The window.
        height: The height of the part, pixels, at most.
    """
    with tempfile.TemporaryDirectory() as folder:
        picture = Image.open(io.BytesIO(window.picture(Path(folder) / "window.png").read_bytes())).convert("RGB")
    return picture.crop((0, 0, picture.width, min(height, picture.height)))


class Explored(NamedTuple):
    """A picture of the explorer.

    Attributes:
        config: What trains the model, without max_samples.
        max_samples: Training samples.
        height: The height of the picture, pixels.
        script: What is done on the page before.
    """

    config: str
    max_samples: str
    height: int
    script: str


CHOOSE = "document.querySelectorAll('#gallery button')[{}].click()"
IMAGES = "const menu = document.getElementById('background'); menu.value = 'manifold'; menu.dispatchEvent(new Event('change'));"
FINAL = """document.querySelector('#n-samples').textContent === 'L = 256'
    && !document.querySelector('#n-logpx').textContent.match(/computing|–/)"""
"""Whether the page shows the numbers that it comes to when nobody draws."""
EXPLORED = {
    "mnist-z2": Explored("data=mnist latent_dim=2", "4e5", 1100, CHOOSE.format(19)),
    "mnist-z20": Explored("data=mnist latent_dim=20", "4e5", 1100, CHOOSE.format(2)),
    "frey-face": Explored("data=frey_face latent_dim=2", "2e5", 1100, CHOOSE.format(5)),
    "conditional": Explored("data=mnist model=conditional latent_dim=2", "2e5", 830, f"{IMAGES} {CHOOSE.format(7)}"),
    "vamp": Explored("data=mnist latent_dim=2 model/prior=vamp objective=sgvb_a", "4e5", 830, CHOOSE.format(5)),
}
"""The pictures of docs/explorer.md by their names."""


def explorer() -> None:
    """Train the models, open a page of each, take the pictures."""
    with tempfile.TemporaryDirectory() as name, browser(1480, 1250) as window:
        folder = Path(name)
        for picture, explored in EXPLORED.items():
            outputs, page = folder / picture, folder / f"{picture}.html"
            settings = (
                f"{explored.config} max_samples={explored.max_samples} evaluator=bound logger=none output_dir={outputs}"
            )
            subprocess.run(["aevb-train", *settings.split()], check=True)
            write_page(directories(outputs), page)
            window.open(page)
            window.wait("document.querySelector('#n-elbo').textContent.includes('±')")
            window.run(explored.script)
            time.sleep(1)  # the numbers of the image before stand until the page has computed new ones
            window.wait(FINAL)
            # With 256 colours the greys of the images would be coarse.
            shown(window, explored.height).save(REPOSITORY / "docs" / "explorer" / f"{picture}.png", optimize=True)


def demo() -> None:
    """Train the sweep of scripts/demo, open its report, take the picture with the pointer on a chart."""
    with tempfile.TemporaryDirectory() as folder, browser(1480, 1150) as window:
        subprocess.run(["aevb-train", "experiment=demo", f"output_dir={folder}"], check=True)
        window.open(Path(folder) / "reports" / "demo.html")
        window.run(POINT, 1)
        take(window, "demo", "h1", 940)


def report() -> None:
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
    {"report": report, "demo": demo, "explorer": explorer}[sys.argv[1] if len(sys.argv) > 1 else "report"]()
