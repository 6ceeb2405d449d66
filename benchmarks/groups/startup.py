"""What must be quick, beside importing torch and Lightning, which it therefore does not do."""

from collections.abc import Callable, Sequence

from benchmarks.children import execute
from benchmarks.plan import Plan
from benchmarks.results import LEFT_OUT, Goal, Result, Row, Speed, not_measured
from benchmarks.rounds import Taker, ratios, rounds
from benchmarks.trainee import TRAIN, train

__all__ = ["measure"]

COMPLETION = {"COMP_LINE": "aevb-train latent_d"}


class Command:
    """A turn is the whole command, which ends with `code`."""

    def __init__(self, command: Sequence[str], code: int = 0, env: dict[str, str] | None = None) -> None:
        self.command, self.code, self.env = command, code, env

    def take_turn(self) -> float:
        """Seconds."""
        return execute(self.command, code=self.code, env=self.env).wall

    def ready(self) -> None:
        """At any time."""

    def close(self) -> None:
        """Nothing is left running."""


class Short:
    """A turn is a whole run of 100 steps. own: its seconds beyond training and evaluation."""

    def __init__(self, plan: Plan) -> None:
        self.overrides = plan.run(100 * plan.spec.batch_size)
        self.batch_size = plan.spec.batch_size
        self.rest: list[float] = []

    def take_turn(self) -> float:
        """Seconds."""
        (run,), seconds = train(self.overrides, self.batch_size)
        self.rest.append(run.rest)
        return seconds.wall

    def ready(self) -> None:
        """At any time."""

    def close(self) -> None:
        """Nothing is left running."""


def measure(plan: Plan, report_progress: Callable[[str], None]) -> Result:
    """Ratios of wall times of whole processes."""
    reference, short = "python -c 'import torch, lightning'", Short(plan)
    quick = {
        "train.py --help": Command([TRAIN, "--help"]),
        "tab completion": Command([TRAIN, "-sc", "query=bash"], env=COMPLETION),
        "an error in the configuration": Command([TRAIN, "latent_dim=-1"], code=2),
    }
    takers: dict[str, Taker] = {reference: Command(["-c", "import torch, lightning"]), **quick}
    takers |= {} if plan.brief else {"100-step run": short}
    seconds = rounds(takers, plan.rounds, lambda text: report_progress(f"start-up, {text}"))
    rows = [
        Row(
            "start-up",
            f"importing torch and Lightning / {name}",
            ratios(seconds[reference], seconds[name]),
            goal=Goal("≥", 10),
        )
        for name in quick
    ]
    what = "a 100-step run without its training and evaluation / importing torch and Lightning"
    if plan.brief:
        rows.append(not_measured("start-up", what, LEFT_OUT, threads=1))
    else:
        rows.append(Row("start-up", what, ratios(short.rest, seconds[reference]), threads=1))
    return Result(rows, [Speed("start-up", name, values, "command", 1) for name, values in seconds.items()])
