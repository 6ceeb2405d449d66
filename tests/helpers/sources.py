"""Modules of a user, written for a test."""

from pathlib import Path
from textwrap import dedent

import pytest

from aevb.config.static_imports import forget_sources

PREAMBLE = """\
    import dataclasses
    from dataclasses import dataclass, field
    from pathlib import Path
    from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Optional, Union
    from aevb import types
    from aevb.data.dataset import Dataset
    from aevb.nn.mlp import Activation
    from aevb.types import Decay, Fraction, NonNegativeInt, PositiveFloat, PositiveInt, Range
    from enum import Enum
    Name = Literal["a", "b"]
    class Colour(Enum):
        red = "red"
"""


def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, source: str) -> None:
    """Write a module that a config may name, below imports that most of them need."""
    (tmp_path / f"{name}.py").write_text(dedent(PREAMBLE) + dedent(source))
    monkeypatch.syspath_prepend(str(tmp_path))
    forget_sources()  # another test may have a module of that name
