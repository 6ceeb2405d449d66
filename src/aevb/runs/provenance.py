"""The commit of the code that runs."""

import subprocess
from pathlib import Path

__all__ = ["commit"]


def commit() -> str | None:
    """Return the commit of the running code, with "-dirty" if files were changed; None outside a checkout."""
    root = Path(__file__).resolve().parents[3]
    if not (root / ".git").exists():
        return None
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return answer.stdout.strip() or None
