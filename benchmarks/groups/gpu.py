"""The same on a GPU, where torch sees one; elsewhere the rows say that they were not measured."""

import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.children import Method, execute
from benchmarks.groups import ensemble
from benchmarks.plan import Plan
from benchmarks.results import Result, Row, Speed, not_measured
from benchmarks.rounds import Taker, ratios, rounds
from benchmarks.trainee import Trainee

__all__ = ["device", "measure"]

MEMBERS = 8
ASK = "import torch; print(torch.cuda.get_device_name() if torch.cuda.is_available() else '')"


def device() -> str:
    """The GPU that torch sees, or nothing."""
    if sys.platform == "linux" and not any(Path("/dev").glob("nvidia[0-9]*")) and not Path("/dev/kfd").exists():
        return ""  # without seconds of loading torch
    return execute(["-c", ASK], gpu=True).output.strip()


def measure(plan: Plan, report_progress: Callable[[str], None]) -> Result:
    """aevb beside a plain loop and beside itself without CUDA graphs, and an ensemble of eight beside one run."""
    report_progress("gpu")
    beside = "speed of aevb / eager torch loop, both on the GPU"
    graphs = "speed of aevb with CUDA graphs / without"
    together = f"time of {MEMBERS} members together / one alone, on the GPU"
    name = device()
    if not name:
        why = "torch sees no GPU here"
        rows = [not_measured("gpu", beside, why), not_measured("gpu", graphs, why)]
        return Result([*rows, not_measured("gpu", together, why, ensemble.GPU_GOAL)], [])
    overrides = [*plan.run(), "trainer.accelerator=gpu"]
    eager = Method("eager", plan.at(plan.steps), gpu=True)
    one_by_one = Trainee([*overrides, "trainer.graph_steps=0"], plan.since, gpu=True)
    trainees = {"aevb": Trainee(overrides, plan.since, gpu=True), "aevb without graphs": one_by_one}
    takers: dict[str, Taker] = {**trainees, "eager": eager}
    seconds = rounds(takers, plan.rounds, lambda text: report_progress(f"gpu, {text}"))
    for trainee in trainees:
        seconds[trainee] = [value * plan.spec.batch_size for value in seconds[trainee]]
    rows = [
        Row("gpu", beside, ratios(seconds["eager"], seconds["aevb"]), note=name),
        Row("gpu", graphs, ratios(seconds["aevb without graphs"], seconds["aevb"]), note=name),
    ]
    if ensemble.available():
        values = ensemble.members(plan, MEMBERS, report_progress, gpu=True)
        rows.append(Row("gpu", together, values, goal=ensemble.GPU_GOAL, note=name))
    else:
        rows.append(not_measured("gpu", together, "there is no hydra/launcher=ensemble", ensemble.GPU_GOAL))
    return Result(rows, [Speed("gpu", f"{method}, {name}", values) for method, values in seconds.items()])
