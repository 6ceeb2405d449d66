"""Notebooks executed for real: a kernel of this interpreter, in a folder of its own, driven by a process of its own."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jupytext
import nbformat

__all__ = ["execute", "notebook_of", "stderr_of"]


def notebook_of(*cells: str) -> Any:
    """A notebook with these code cells."""
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])


def execute(notebook: Any, folder: Path, interrupt: str = "") -> Any:
    """Execute a notebook in a folder.

    Args:
        notebook: A notebook, or the path of a text notebook that jupytext reads.
        folder: The working directory of the kernel.
        interrupt: A pattern in `folder`: the kernel is interrupted half a second after a file matches it, and cells may fail.

    Returns:
        The notebook with its outputs.

    Raises:
        AssertionError: If a cell fails, with its traceback.
    """
    if isinstance(notebook, Path):
        notebook = jupytext.read(notebook)
    with TemporaryDirectory() as scratch:
        path = Path(scratch) / "notebook.ipynb"
        nbformat.write(notebook, path)
        # A process of its own, because the client leaves sockets open, of which pytest complains.
        command = [sys.executable, __file__, str(path), str(folder), interrupt]
        environment = {**os.environ, "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
        done = subprocess.run(command, capture_output=True, text=True, timeout=900, env=environment)
        assert done.returncode == 0, done.stderr
        return nbformat.read(path, as_version=4)


def stderr_of(notebook: Any) -> str:
    """What the cells wrote to standard error."""
    return "".join(
        output.text
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.output_type == "stream" and output.name == "stderr"
    )


def _main(path: Path, folder: Path, interrupt: str) -> None:
    from jupyter_client.manager import KernelManager
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    manager = KernelManager(kernel_name="python3")  # with the interpreter of this process
    resources = {"metadata": {"path": str(folder)}}
    client = NotebookClient(notebook, km=manager, timeout=600, allow_errors=bool(interrupt), resources=resources)

    def watch() -> None:
        while not list(folder.glob(interrupt)):
            time.sleep(0.05)
        time.sleep(0.5)
        manager.interrupt_kernel()

    if interrupt:
        threading.Thread(target=watch, daemon=True).start()
    client.execute()
    nbformat.write(notebook, path)


if __name__ == "__main__":
    _main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
