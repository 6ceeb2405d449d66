"""The command line: writes the source folder of the site, and builds it with Sphinx."""

import argparse
import gc
import os
import sys
from pathlib import Path

from sitegen.pages_with_numbers import PAGES, filled
from sitegen.repository import DOCS, REPOSITORY
from sitegen.stage import stage


def main() -> int:
    """Build the site; the exit code of Sphinx."""
    parser = argparse.ArgumentParser(description=__doc__, prog="scripts/docs")
    parser.add_argument("--output", type=Path, default=REPOSITORY / "outputs" / "docs", help="folder of the HTML")
    parser.add_argument("--no-notebooks", action="store_true", help="do not execute the tutorials")
    parser.add_argument("--numbers", action="store_true", help="only write the numbers of results/ into the pages")
    options = parser.parse_args()
    if options.numbers:
        for page in PAGES:
            path = REPOSITORY / page
            path.write_text(filled(path.read_text(encoding="utf-8")), encoding="utf-8")
        return 0
    from sphinx.cmd.build import build_main  # not needed for --numbers

    output: Path = options.output.resolve()
    work = output.with_name(f"{output.name}-build")  # source folder, pickled pages, executed notebooks
    stage(work / "source")
    os.environ.setdefault("JUPYTER_PLATFORM_DIRS", "1")
    os.environ["IPYTHONDIR"] = str(_kernel_settings(work / "ipython"))
    settings = [f"nb_execution_cache_path={work / 'notebooks'}"]
    settings += ["nb_execution_mode=off"] * options.no_notebooks
    words = ["-b", "html", "-W", "--keep-going", "-q", "-c", str(DOCS), "-d", str(work / "doctrees")]
    words += [word for setting in settings for word in ("-D", setting)]
    gc.disable()  # the documents are millions of nodes that stay: looking for cycles among them took a third of the time
    code = build_main([*words, str(work / "source"), str(output)])
    if code == 0:
        print(output / "index.html")
    return code


def _kernel_settings(folder: Path) -> Path:
    # Kernels read these settings and not those of the user. Without them each kernel warns that its local sockets are not encrypted.
    profile = folder / "profile_default"
    profile.mkdir(parents=True, exist_ok=True)
    (profile / "ipython_kernel_config.py").write_text("c.IPKernelApp.log_level = 40\n", encoding="utf-8")
    return folder


if __name__ == "__main__":
    sys.exit(main())
