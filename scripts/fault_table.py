"""Writes the table of faults in docs/faults.md from the `fault` markers of the tests.

    python scripts/fault_table.py            # writes the table
    python scripts/fault_table.py --check    # exit code 1 if the table is not that of the markers

A marker stands on the test that shows what happens: `@pytest.mark.fault("the fault", "what happens")`, with
`case="id"` if it is one case of a parametrised test. The tests are read and not imported.
"""

import argparse
import ast
import sys
from functools import cache
from pathlib import Path
from typing import NamedTuple

REPOSITORY = Path(__file__).resolve().parents[1]
PAGE = REPOSITORY / "docs" / "faults.md"
HEAD = "| fault | what happens | test |\n|---|---|---|\n"


class MarkedFault(NamedTuple):
    """A fault, and the test that shows what happens.

    Attributes:
        fault: What goes wrong.
        outcome: What happens then.
        test: Name of the test, `tests/.../test_x.py::test_y`, with the case in brackets if there is one.
    """

    fault: str
    outcome: str
    test: str

    def row(self) -> str:
        """Return the row of the table."""
        return f"| {self.fault} | {self.outcome} | `{self.test}` |\n"


def marked_faults(path: Path) -> list[MarkedFault]:
    """Return the faults that the tests of a file are marked with, in the order of the file.

    Args:
        path: A file of tests.

    Returns:
        The faults.
    """
    file = path.relative_to(REPOSITORY).as_posix()
    functions = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)]
    faults = []
    for function in sorted(functions, key=lambda node: node.lineno):
        for decorator in function.decorator_list:
            if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.fault":
                fault, outcome = map(ast.literal_eval, decorator.args)
                case = "".join(f"[{ast.literal_eval(keyword.value)}]" for keyword in decorator.keywords)
                faults.append(MarkedFault(fault, outcome, f"{file}::{function.name}{case}"))
    return faults


@cache
def all_faults() -> list[MarkedFault]:
    """Return the faults of all tests, by the name of the file."""
    paths = sorted((REPOSITORY / "tests").rglob("test_*.py"))
    return [fault for path in paths for fault in marked_faults(path)]


def page(text: str) -> str:
    """Return the text of docs/faults.md with the table of the markers.

    Args:
        text: The text with any table.

    Returns:
        The text with the present table.
    """
    before, _, rest = text.partition(HEAD)
    lines = rest.splitlines(keepends=True)
    after = lines[next((i for i, line in enumerate(lines) if not line.startswith("|")), len(lines)) :]
    return before + HEAD + "".join(fault.row() for fault in all_faults()) + "".join(after)


def main() -> int:
    """The command line; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing")
    options = parser.parse_args()
    text = PAGE.read_text()
    if page(text) == text:
        return 0
    if options.check:
        print(f"{PAGE.name}: not the table of the markers; try: python scripts/fault_table.py", file=sys.stderr)
        return 1
    PAGE.write_text(page(text))
    return 0


if __name__ == "__main__":
    sys.exit(main())
