"""Stop signals: a run in training continues to the end of its round, saves on all ranks at the same step, and ends.

Handlers only note the signal. Lightning's would broadcast from inside the handler, which waits for ever when the ranks are
hit at different moments; here the note travels with the next exchange of gradients.
"""

import signal
import sys
import threading
from types import FrameType, TracebackType
from typing import Any

import lightning as L

from aevb.console.signals import stop_signals
from aevb.training.module import Training
from aevb.training.schedule import Block

__all__ = ["PreemptionCallback", "Signals"]


class Signals:
    """While entered, a stop signal raises SystemExit(128 + number), or between `defer` and `release` asks the module to stop.

    Attributes:
        number: The last signal received, 0 for none.
    """

    def __init__(self) -> None:
        self.number = 0
        self._module: Training | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Signals":
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.getsignal(number) for number in stop_signals()}
        self._install()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def defer(self, module: Training) -> None:
        """From now on a signal asks `module` to stop. Puts the handlers in place again, over Lightning's."""
        self._module = module
        module.stop_requested |= self.number != 0
        self._install()

    def tell(self, number: int) -> None:
        """What the main thread heard, to a run in another: its training stops at the end of a round; nothing else of it does."""
        self.number = number
        if self._module is not None:
            self._module.stop_requested = True

    def release(self) -> None:
        """From now on a signal ends the process."""
        self._module = None

    def _install(self) -> None:
        for number in self._before:
            signal.signal(number, self._hear)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        self.number = number
        if self._module is None:
            raise SystemExit(128 + number)
        self._module.stop_requested = True


class PreemptionCallback(L.Callback):
    """Ends the training that `signals` have asked to stop; comes after the callback that saves."""

    def __init__(self, signals: Signals) -> None:
        self.signals = signals

    def on_train_start(self, trainer: L.Trainer, module: Training) -> None:  # type: ignore[override]
        """Signals wait for the end of a round."""
        self.signals.defer(module)

    def on_train_batch_end(  # type: ignore[override]
        self, trainer: L.Trainer, module: Training, outputs: Any, batch: Block, batch_idx: int
    ) -> None:
        """Leaves when all ranks have agreed to, with the exit code that a shell gives to the signal."""
        if not module.stopping:
            return
        number = self.signals.number or signal.SIGTERM  # another rank may have heard it alone
        if trainer.is_global_zero:
            name, seen = signal.Signals(number).name, module.samples_seen
            print(
                f"{trainer.default_root_dir}: stopped by {name} at {seen:,} samples; the same command goes on from there",
                file=sys.stderr,
                flush=True,
            )
        self.signals.release()
        raise SystemExit(128 + number)

    def on_train_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """What follows has its checkpoint already."""
        self.signals.release()
