"""Counts the files of aevb that a command enters, over all its processes: how much there is to read to follow it.

    python scripts/trace_files.py aevb-train -m latent_dim=2,5 data=digits max_samples=300
    python scripts/trace_files.py --list aevb-train --check data=digits

A file is entered when a function of it is called; that a module is imported does not count. Python calls the
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
def profile(frame, event, argument):
    code = frame.f_code
    if event == "call" and code not in seen:
        seen.add(code)
        name = code.co_name
        # Not the body of a module, and not that of a class, which runs when the module is imported.
        if code.co_filename.startswith({source!r}) and name != "<module>" and not name[0].isupper():
            handle = os.open(os.path.join({folder!r}, str(os.getpid())), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.write(handle, (code.co_filename + chr(9) + code.co_qualname + chr(10)).encode())
            os.close(handle)
def forked():
    seen.clear()
os.register_at_fork(after_in_child=forked)
threading.setprofile(profile)
sys.setprofile(profile)
"""


def main() -> int:
    """The command line; the exit code of the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="name the files")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="trace-") as name:
        folder = Path(name)
        notes = folder / "notes"
        notes.mkdir()
        (folder / "sitecustomize.py").write_text(TRACER.format(source=str(SOURCE) + os.sep, folder=str(notes)))
        first, *rest = options.command
        program = Path(sys.executable).with_name(first)
        command = [str(program) if program.exists() else shutil.which(first) or first, *rest]
        paths = [name, *filter(None, [os.environ.get("PYTHONPATH")])]
        code = subprocess.run(command, env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)}).returncode
        processes = [[line.split("\t") for line in path.read_text().splitlines()] for path in sorted(notes.iterdir())]
    calls = [call for process in processes for call in process]
    files = sorted({str(Path(file).relative_to(SOURCE)) for file, _ in calls})
    if options.list:
        print(*files, sep="\n")
    functions = {tuple(call) for call in calls}
    each = ", ".join(str(len({file for file, _ in process})) for process in processes)
    print(f"{len(files)} files, {len(functions)} functions; files of each process: {each}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
