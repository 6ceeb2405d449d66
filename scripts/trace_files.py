"""Counts the files of aevb that a command enters, over all its processes: how much there is to read to follow it.

    python scripts/trace_files.py aevb-train -m latent_dim=2,5 data=digits max_samples=300
    python scripts/trace_files.py --list aevb-train --check data=digits

A file of Python is entered when a function of it is called; that a module is imported does not count, nor does a
template of the report. --list names the files with their lengths and the functions that are called. Python calls the
tracer of each process through a sitecustomize.py in a folder of its own, so child processes are counted as well, also those of
a fork server. The command runs as it would without, but slowly.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[1] / "src" / "aevb"
TRACER = """
import os, sys, threading
seen = set()
def trace(frame, event, argument):  # of calls alone, since it returns nothing that would trace lines
    code = frame.f_code
    if code not in seen:
        seen.add(code)
        # The bodies of modules and classes have no optimised locals. They run when a module is imported, as does an
        # expression outside of a function.
        is_function = code.co_flags & 1 and not code.co_qualname.startswith("<")
        if is_function and code.co_filename.startswith({source!r}):
            try:
                handle = os.open(os.path.join({folder!r}, str(os.getpid())), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            except FileNotFoundError:  # the command has ended, and a fork server ends after it
                return
            os.write(handle, (code.co_filename + chr(9) + code.co_qualname + chr(10)).encode())
            os.close(handle)
def forked():
    seen.clear()
os.register_at_fork(after_in_child=forked)
threading.settrace(trace)
sys.settrace(trace)
"""


def main() -> int:
    """The command line; the exit code of the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="name the files, and what is called in them")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    if not options.command:
        parser.error("command: missing; try: aevb-train --check data=digits")
    first, *rest = options.command
    own = Path(sys.executable).parent / first  # a command of this environment; a path stays what it is
    if (program := str(own) if own.is_file() else shutil.which(first)) is None:
        parser.error(f"command={first}: there is no such command; try: aevb-train --check data=digits")
    with tempfile.TemporaryDirectory(prefix="trace-") as name:
        folder = Path(name)
        notes = folder / "notes"
        notes.mkdir()
        (folder / "sitecustomize.py").write_text(TRACER.format(source=str(SOURCE) + os.sep, folder=str(notes)))
        paths = [name, *filter(None, [os.environ.get("PYTHONPATH")])]
        code = subprocess.run([program, *rest], env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)}).returncode
        lines = [path.read_text().splitlines() for path in sorted(notes.iterdir())]
        processes = [[line.split("\t") for line in notes if ".py\t" in line] for notes in lines]
    calls = [call for process in processes for call in process]
    files = sorted({str(Path(file).relative_to(SOURCE)) for file, _ in calls})
    functions = sorted({(str(Path(file).relative_to(SOURCE)), name) for file, name in calls})
    if options.list:
        for file in files:
            length = len((SOURCE / file).read_text().splitlines())
            print(f"{file} ({length} lines):", ", ".join(name for other, name in functions if other == file))
    each = ", ".join(str(len({file for file, _ in process})) for process in processes)
    print(f"{len(files)} files, {len(functions)} functions; files of each process: {each}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
