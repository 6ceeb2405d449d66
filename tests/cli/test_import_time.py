"""What must start quickly does not import torch."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "module", ["aevb", "aevb.cli.train", "aevb.runs.run", "aevb.config", "aevb.config.instantiate"]
)
def test_import_without_torch(module: str) -> None:
    heavy = "{'torch', 'lightning', 'numpy', 'matplotlib'} & set(sys.modules)"
    probe = f"import sys, {module}; assert not {heavy}, {heavy}"
    subprocess.run([sys.executable, "-c", probe], check=True)
