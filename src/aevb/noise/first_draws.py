"""The noise that the evaluation points of a run have in common."""

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["FirstDraws"]


class FirstDraws:
    """Keeps what evaluations draw first for each block of datapoints.

    A run is evaluated with the same noise at every evaluation point, and setting up a generator for each of 10,000 images
    takes almost as long as a matrix product of all of them.
    """

    NUMBERS = 2**22
    """Numbers that are kept, at most."""

    def __init__(self) -> None:
        self._arrays: dict[tuple[Any, ...], np.ndarray] = {}
        self._kept = 0
        self._lock = threading.Lock()  # blocks may be evaluated at the same time

    def __call__(self, key: tuple[Any, ...], draw: Callable[[], np.ndarray]) -> np.ndarray:
        """Return the array of a key.

        Args:
            key: Seed, purpose, datapoints and request.
            draw: Draws the array, if it is not kept.

        Returns:
            An array of the caller's own.
        """
        if key not in self._arrays:
            array = draw()
            with self._lock:
                if self._kept + array.size > self.NUMBERS:
                    return array
                self._arrays[key] = array
                self._kept += array.size
        return self._arrays[key].copy()
