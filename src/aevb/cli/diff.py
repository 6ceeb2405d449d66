"""aevb-diff: print what differs between two runs."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from aevb.cli.arguments import Arguments, run_command, run_path
from aevb.console.printable import printable
from aevb.runs.comparison import differences

__all__ = ["diff"]


def _diff() -> int:
    parser = Arguments("aevb-diff", description=diff.__doc__, allow_abbrev=False)
    parser.add_argument("a", type=run_path, help="run directory")
    parser.add_argument("b", type=run_path, help="run directory")
    arguments = parser.parse_args()
    differing = list(differences(arguments.a, arguments.b))
    if not differing:
        print(f"{printable(arguments.a)} and {printable(arguments.b)}: the same")
        return 0
    console = Console()
    if console.is_terminal:
        table = Table("", escape(printable(arguments.a)), escape(printable(arguments.b)), "difference (nats)")
        for line in differing:
            table.add_row(*(escape(printable(cell)) for cell in line))
        console.print(table)
    else:
        for what, value_a, value_b, gap in (map(printable, line) for line in differing):
            print(f"{what}: {value_a} | {value_b}{f'  ({gap})' if gap else ''}")
    return 1


def diff() -> None:
    """aevb-diff A B: what differs between two runs (config, versions, data, results); 0 if nothing does, else 1."""
    run_command("aevb-diff", _diff)
