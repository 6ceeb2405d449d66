"""Stop signals and the time budget: a run in training continues to the end of its round, saves on all ranks at the same step, and ends.

Handlers only note the signal. Those of Lightning would broadcast from inside the handler, which waits for ever
if the ranks receive the signal at different moments; here the note is part of the next exchange of gradients.
"""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any

import lightning as L

from aevb.config.duration import seconds_of
from aevb.console.signals import Stopped, end_by_signal, stop_signals
from aevb.training.module import Training
from aevb.training.schedule import Block

__all__ = ["PreemptionCallback", "Signals", "time_budget"]


class Signals:
    """Handles stop signals while it is entered.

    A signal raises Stopped, which exits with 128 + its number; between `defer` and `release` it asks the module to stop.

    Attributes:
        number: The last signal received, 0 for none.
        reason: What else asked the run to stop, for the message; "" if it was a signal.
    """

    def __init__(self) -> None:
        self.number = 0
        self.reason = ""
        self._module: Training | None = None
        self._has_trained = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Signals":
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.getsignal(number) for number in stop_signals()}
        self._install()
        end_by_signal()  # a library has caught what an earlier signal raised
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def defer(self, module: Training) -> None:
        """Let signals ask a module to stop, from now on. Installs the handlers again, over those of Lightning.

        Args:
            module: The module that trains.
        """
        self._module = module
        module.stop_requested |= self.number != 0
        self._install()

    def request_stop(self, number: int) -> None:
        """Pass a signal on to a run that trains in another thread; it stops at the end of a round.

        Args:
            number: Number of the signal that the main thread received.
        """
        self.number = number
        if self._module is not None:
            self._module.stop_requested = True

    def release(self) -> None:
        """Let signals end the process, from now on."""
        self._module, self._has_trained = None, True

    def _install(self) -> None:
        for number in self._before:
            signal.signal(number, self._handle)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.number = number
        if self._module is None:
            raise Stopped(number, "in the last evaluation" if self._has_trained else "before training began")
        self._module.stop_requested = True


@contextmanager
def time_budget(max_time: str | float | None, signals: Signals) -> Iterator[None]:
    """Ask a run to stop, as SIGTERM does, if the `with` block takes longer than a time budget.

    The time starts when the process begins with the run and includes evaluations. The same command continues the run, with
    a new budget.

    Args:
        max_time: Seconds or [DD:]HH:MM:SS; None: any time.
        signals: The signals of the run.
    """
    seconds = None if max_time is None else seconds_of(max_time)
    if seconds is None:  # no time: aevb-train has checked max_time, but a config.yaml from elsewhere may say anything
        yield
        return

    def expire() -> None:
        signals.reason = f"max_time={max_time}"
        signals.request_stop(signal.SIGTERM)

    timer = threading.Timer(min(seconds, threading.TIMEOUT_MAX), expire)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


class PreemptionCallback(L.Callback):
    """Ends a training that a signal asked to stop; comes after the callback that saves.

    Args:
        signals: The signals that this process received.
        trial: What is trained, if it is a trial, which saves nothing and so begins again; None for a run.
    """

    def __init__(self, signals: Signals, trial: str | None = None) -> None:
        self.signals, self.trial = signals, trial

    def on_train_start(self, trainer: L.Trainer, module: Training) -> None:  # type: ignore[override]
        """Let signals wait for the end of a round (see `L.Callback.on_train_start`)."""
        self.signals.defer(module)

    def on_train_batch_end(  # type: ignore[override]
        self, trainer: L.Trainer, module: Training, outputs: Any, batch: Block, batch_idx: int
    ) -> None:
        """Exit with 128 + the number of the signal, once all ranks have agreed to stop (see `L.Callback.on_train_batch_end`)."""
        if not module.stopping:
            return
        number = self.signals.number or signal.SIGTERM  # perhaps only another rank received one
        if trainer.is_global_zero:
            name, seen = self.signals.reason or signal.Signals(number).name, module.samples_seen
            directory, where = trainer.default_root_dir, f"stopped by {name} at {seen:,} samples"
            if self.trial is None:
                line = f"{directory}: {where}; the same command continues from there"
            else:
                line = f"{directory}: {where} of the {self.trial}; the same command begins this trial again"
                if self.signals.reason:  # the time budget; a trial that takes longer would be stopped every time
                    line += ", so max_time must be longer than a trial"
            print(line, file=sys.stderr, flush=True)
        self.signals.release()
        raise SystemExit(128 + number)

    def on_train_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Let signals end the process again, since everything so far is in the checkpoint (see `L.Callback.on_train_end`)."""
        self.signals.release()
