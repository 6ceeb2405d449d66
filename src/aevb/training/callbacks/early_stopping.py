"""Ends a training whose validation bound no longer improves, and keeps the weights of the highest one.

The weights are in the checkpoint: whenever a run is killed and resumed, its best.pt is that of a run which was
never interrupted. best.pt itself is written at the end of training (aevb.training.final_evaluation).
"""

from typing import Any

import lightning as L
from torch import Tensor

from aevb.training.callbacks.evaluation import EvaluationCallback
from aevb.training.early_stopping import EarlyStopping
from aevb.training.module import Training
from aevb.training.schedule import Block

__all__ = ["EarlyStoppingCallback"]


class EarlyStoppingCallback(L.Callback):
    """Takes the column valid_bound at each evaluation point; comes after the callback that evaluates.

    Args:
        rule: When training ends.
        evaluation: The callback that holds the rows and the evaluation points.

    Attributes:
        weights: state_dict of the model with the highest validation bound, on the CPU; empty before the first.
    """

    def __init__(self, rule: EarlyStopping, evaluation: EvaluationCallback) -> None:
        self.rule, self.evaluation = rule, evaluation
        self.weights: dict[str, Tensor] = {}

    @property
    def state_key(self) -> str:
        """The name of the state of this callback in a checkpoint; it does not change with the name of the class."""
        return "early_stopping"

    def on_train_batch_end(  # type: ignore[override]
        self, trainer: L.Trainer, module: Training, outputs: Any, batch: Block, batch_idx: int
    ) -> None:
        """Compare the bound of an evaluation point with the ones before (see `L.Callback.on_train_batch_end`)."""
        seen = module.samples_seen
        if not self.evaluation.schedule.is_point(batch.start, seen):
            return
        if self.rule.update(seen, self.evaluation.rows[-1]["valid_bound"]):
            state = module.model.state_dict()
            self.weights = {name: value.detach().to("cpu", copy=True) for name, value in state.items()}
        if self.rule.has_ended:
            trainer.should_stop = True

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the rule and the best weights."""
        return {"rule": self.rule.state_dict(), "weights": self.weights}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned (see `L.Callback.load_state_dict`)."""
        self.rule.load_state_dict(state["rule"])
        self.weights = {name: value.cpu() for name, value in state["weights"].items()}
