"""The page: a template, its style and its scripts, and the exported runs as data, in one HTML file.

The Content-Security-Policy names the hashes of the file's own scripts and style and forbids everything else, so that
nothing that a run's config says can be executed and nothing is fetched. Data are JSON in which `<` is escaped.
"""

import base64
import hashlib
import html
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from aevb.console.printable import without_controls
from aevb.explorer.export import export_run
from aevb.files.atomic import utf8, write_text

__all__ = ["ARITHMETIC", "render", "resource", "write_page"]

# The arithmetic runs on the page and, once more, in its worker; the tests run it in node.
ARITHMETIC = ("arrays.js", "network.js", "prior.js", "estimators.js", "grid.js")
INTERFACE = (
    "state.js", "hash.js", "elements.js", "classes.js", "pictures.js", "background.js", "contours.js", "plane.js", "sliders.js", "brush.js", "numbers.js",
    "gallery.js", "strips.js", "selftest.js", "download.js", "print.js", "main.js",
)  # fmt: skip


def write_page(runs: list[Path], output: Path, data_root: str | None = None, trusted: tuple[str, ...] = ()) -> int:
    """Write the page that explores `runs`.

    Args:
        runs: Directories of finished runs, in the order of the page's menu.
        output: The HTML file.
        data_root: Folder of the data sets; None for each run's own.
        trusted: Modules that the configs may name.

    Returns:
        Size of the file in bytes.

    Raises:
        UserError: a run cannot be explored, or the file cannot be written.
    """
    page = render([export_run(run, data_root, trusted) for run in runs])
    write_text(output, page)
    return len(utf8(page))


def render(exported: list[dict[str, Any]]) -> str:
    """Return the HTML of exported runs.

    Args:
        exported: The runs, see aevb.explorer.export.
    """
    models = [run["model"] for run in exported]
    style, worker = resource("page.css"), resource("worker.js")
    arithmetic, interface = ("\n".join(map(resource, names)) for names in (ARITHMETIC, INTERFACE))
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src {_digest(arithmetic)} {_digest(interface)}",
            f"style-src {_digest(style)}",
            "img-src data: blob:",
            "worker-src blob:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    title = ", ".join(model["name"] for model in models[:3]) + (" …" if len(models) > 3 else "")
    parts = {
        "POLICY": policy,
        "TITLE": html.escape(without_controls(title)),
        "STYLE": style,
        "MODELS": _json(models),
        "WEIGHTS": "\n".join(_weights(i, run["weights"]) for i, run in enumerate(exported)),
        "WORKER": worker,
        "ARITHMETIC": arithmetic,
        "INTERFACE": interface,
    }
    page = resource("page.html")
    pieces = page.split("%%")  # text, NAME, text, NAME, ..., text: nothing that is put in is searched again
    return "".join(parts[piece] if i % 2 else piece for i, piece in enumerate(pieces))


def resource(name: str) -> str:
    """Return the text of a file of the page.

    Args:
        name: The name of the file.
    """
    return (files("aevb.explorer") / "resources" / name).read_text("utf-8")


def _weights(index: int, weights: dict[str, str]) -> str:
    return f'<script type="application/json" id="weights-{index}">{_json(weights)}</script>'


def _json(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(utf8(text)).digest()).decode()}'"
