"""Training seconds of the members of an ensemble do not contain the evaluations of other members."""

import threading
import time

from aevb import runs
from aevb.training import final_evaluation, train_run
from aevb.training.callbacks import evaluation
from aevb.training.callbacks.preemption import Signals
from aevb.training.engines.ensemble import GradientBatcher, Slot
from helpers.commands import settings

LONG = 10_000.0  # seconds


def test_a_member_does_not_count_the_evaluations_of_the_others(tmp_path, monkeypatch):
    """The clock is moved by hours at each evaluation; training takes minutes on the slowest machine."""
    perf_counter, run_over, hours = time.perf_counter, evaluation.run_over, [0.0]

    def slow(*arguments, **named):
        hours[0] += LONG
        return run_over(*arguments, **named)

    monkeypatch.setattr(time, "perf_counter", lambda: perf_counter() + hours[0])
    monkeypatch.setattr(evaluation, "run_over", slow)
    monkeypatch.setattr(final_evaluation, "run_over", slow)
    directories = [tmp_path / f"seed{seed}" for seed in range(2)]
    for seed, directory in enumerate(directories):
        clocks = (
            "data=digits",
            "latent_dim=2",
            "hidden_dim=20",
            "evaluator=bound",
            "logger=none",
            "evaluation.start=500",
        )
        # The one that is done first is evaluated at its end while the other waits.
        runs.prepare(directory, settings(*clocks, f"seed={seed}", f"max_samples={1000 * (seed + 1)}"))
    batcher = GradientBatcher(2)

    def run_one(index):
        with batcher.run_member(index):
            train_run.run(directories[index], slot=Slot(batcher, index), signals=Signals())

    threads = [threading.Thread(target=run_one, args=(index,)) for index in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for run in runs.finished(tmp_path):
        timing = run.timing()
        assert timing["evaluation_seconds"][-1] >= LONG * len(timing["samples_seen"])
        assert 0 < timing["training_seconds"][-1] < LONG / 2
        assert run.done["training_seconds"] < LONG / 2
