"""From the content of a report to HTML: Jinja templates that escape everything, one style sheet, one script.

The Content-Security-Policy allows the style sheet and the script by their hashes and images from data: URIs, and nothing else: no
request leaves the page, and markup that got into a run's name or traceback would not run even if it were not escaped.
"""

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from aevb.console.printable import without_controls
from aevb.figures.common.style import number
from aevb.files.atomic import utf8
from aevb.report.quantities import short

__all__ = ["policy", "render"]


def render(content: dict[str, Any]) -> str:
    """Return the page.

    Args:
        content: The variables of the templates.

    Returns:
        One HTML document.
    """
    table = content["table"]
    columns = (
        f"#table:not(.all) tr>:nth-child(n+{table.shown + 1}){{display:none}}"
        f"@media print{{#table tr>:nth-child(n+{table.printed + 1}){{display:none!important}}}}"
    )
    shown = ",".join(f"body:has(#show-{i}:checked) .view-{i}" for i in range(1, len(content["charts"]) + 1))
    views = f"@supports selector(:has(*)){{{shown}{{display:block}}}}" if shown else ""
    style, script = resource("page.css") + columns + views, resource("page.js")
    return without_controls(
        _environment()
        .get_template("page.html")
        .render({**content, "style": Markup(style), "script": Markup(script), "policy": policy(style, script)})
    )


def policy(style: str, script: str) -> str:
    """Return the Content-Security-Policy that allows this style sheet and this script.

    Args:
        style: The style sheet.
        script: The script.
    """
    return (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


@cache
def resource(name: str) -> str:
    """Return a style sheet or script of the package.

    Args:
        name: The name of the file.
    """
    return files("aevb.report").joinpath("templates", name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("aevb.report", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters |= {
        "number": number,
        "short": short,
        "signed": lambda value: number(value, "+"),
        "digits": repr,
        "thousands": "{:,}".format,
    }
    environment.filters["kilobytes"] = lambda size: f"{size / 1000:,.0f} kB"
    return environment


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(utf8(text)).digest()).decode()}'"
