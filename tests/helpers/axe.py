"""Accessibility of a page in a browser, by axe-core: from npm, or from AEVB_AXE, the path of axe.min.js."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from helpers.webdriver import Browser

__all__ = ["axe_source", "serious_violations"]


def axe_source(folder: Path) -> str:
    """The source of axe-core, which npm installs into `folder` if AEVB_AXE does not name it."""
    path = os.environ.get("AEVB_AXE")
    if path is None:
        if shutil.which("npm") is None:
            pytest.skip("no npm on the PATH, which installs axe-core; or set AEVB_AXE to the path of axe.min.js")
        result = subprocess.run(["npm", "install", "axe-core"], cwd=folder, capture_output=True, text=True, timeout=180)
        if result.returncode:
            pytest.skip("npm cannot install axe-core: no network?")
        path = str(folder / "node_modules" / "axe-core" / "axe.min.js")
    return Path(path).read_text()


def serious_violations(window: Browser, axe: str) -> list[tuple[str, str, str]]:
    """What axe-core calls serious or critical on the open page: rule, element, reason."""
    window.run(axe)
    violations = window.run("return axe.run().then((result) => result.violations)")
    return [
        (item["id"], item["nodes"][0]["html"][:200], item["nodes"][0]["failureSummary"][:300])
        for item in violations
        if item["impact"] in ("serious", "critical")
    ]
