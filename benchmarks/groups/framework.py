"""What the framework itself takes: a model of one parameter through aevb's loop of 50 minibatches a block, less a plain loop."""

from collections.abc import Callable
from dataclasses import replace

from benchmarks.children import ROOT, Method
from benchmarks.plan import Plan
from benchmarks.results import Goal, Result, Row, Speed
from benchmarks.rounds import Taker, rounds
from benchmarks.trainee import Trainee

__all__ = ["measure"]

FLAGS = ("--trust", "benchmarks", "--config-dir", str(ROOT / "benchmarks" / "conf"))


def measure(plan: Plan, report_progress: Callable[[str], None]) -> Result:
    """Microseconds per optimizer step."""
    spec = plan.spec
    overrides = ["data=digits", "model=one_parameter", "objective=one_parameter", "latent_dim=1", "trainer.block=50"]
    overrides += [f"batch_size={spec.batch_size}", f"max_samples={plan.one_parameter}", *plan.extra]
    plain = Method("one_parameter_plain", replace(spec, data="digits", unit=plan.one_parameter // spec.batch_size))
    takers: dict[str, Taker] = {"aevb": Trainee(overrides, plan.one_parameter // 10, flags=FLAGS), "plain loop": plain}
    seconds = rounds(takers, plan.rounds, lambda text: report_progress(f"framework, {text}"))
    steps = [value * spec.batch_size for value in seconds["aevb"]]
    cost = [1e6 * (step - alone) for step, alone in zip(steps, seconds["plain loop"], strict=True)]
    what = "framework's time per optimizer step, one parameter, K = 50"
    speeds = [
        Speed("framework", "aevb, one parameter", steps, threads=1),
        Speed("framework", "plain loop, one parameter", seconds["plain loop"], threads=1),
    ]
    return Result([Row("framework", what, cost, "µs", 1, Goal("≤", 100, aim=60))], speeds)
