"""The trials that choose a run's learning rate (aevb.training.learning_rate_selection)."""

from aevb.config.instantiate import instantiate
from aevb.errors import UserError
from aevb.training.assembly import TrainingJob, assemble
from aevb.training.callbacks.preemption import PreemptionCallback, Signals
from aevb.training.callbacks.progress import ProgressBar
from aevb.training.divergence import Diverged
from aevb.training.learning_rate_selection import LearningRateSelection
from aevb.training.lightning_trainer import trainer as lightning_trainer
from aevb.training.running_mean import RunningMean
from aevb.training.schedule import BlockSchedule

__all__ = ["select_learning_rate"]


def select_learning_rate(job: TrainingJob, signals: Signals) -> None:
    """Select `optimizer.lr` by trials, as the node `selection` of the config says.

    The settings of the job are changed. A trial has neither evaluation points nor checkpoints. It
    leaves one row in learning_rates.json.

    Args:
        job: The job.
        signals: The stop signals of the process.

    Raises:
        UserError: If the objective has no training bound to choose by, or every trial diverged.
    """
    settings = job.settings
    selection: LearningRateSelection = instantiate(settings["selection"], trusted=job.trusted)

    def trial(learning_rate: float, samples: int, window: int) -> tuple[float, int]:
        return _trial(job, learning_rate, samples, window, signals)

    settings["optimizer"]["lr"] = selection.choose(job.directory, trial, first=job.ranks.first)


def _trial(job: TrainingJob, learning_rate: float, samples: int, window: int, signals: Signals) -> tuple[float, int]:
    """Return the mean training bound over the last `window` samples (nats; nan if training diverged), and samples seen."""
    settings = {**job.settings, "optimizer": {**job.settings["optimizer"], "lr": learning_rate}}
    module, _ = assemble(job, settings, None)
    module.window = RunningMean(window)
    block = job.trainer.block * module.stream.batch_size
    schedule = BlockSchedule(lambda: module.samples_seen, samples, module.round_samples, block)
    title = f"trial of learning rate {learning_rate:g}"
    progress = [ProgressBar(f"{job.directory.name}, {title}", samples)] if job.ranks.first else []
    callbacks = [*progress, PreemptionCallback(signals, title)]
    trainer = lightning_trainer(job.directory, job.trainer, job.ranks, callbacks)
    try:
        trainer.fit(module, train_dataloaders=schedule)
    except Diverged:
        return float("nan"), module.samples_seen
    if not module.window.held:
        kind = str(job.settings["selection"]["_target_"]).rpartition(".")[2]
        raise UserError(
            f"selection={kind}: {type(module.objective).__name__} has no training bound to choose by; "
            "allowed: an objective that has one; try: optimizer.lr=0.01"
        )
    return module.window.mean, module.samples_seen
