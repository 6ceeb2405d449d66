"""Schemas read from source say what Python says."""

import importlib
import inspect
from pathlib import Path
from typing import Any

import pytest

from aevb.config import targets
from aevb.config.signature import Signature, signature
from aevb.config.value_types import InvalidValue, ValueType
from helpers.sources import module


def seen(target: str) -> Signature:
    definition = signature(target, (target.split(".")[0],))
    assert definition is not None
    return definition


ANNOTATIONS: list[tuple[str, list[Any], list[Any]]] = [
    ("int", [3, -3, 1e6, 1_000_000.0], ["3", 2.5, True, None, [3], float("inf")]),
    ("PositiveInt", [1, 1e6], [0, -1, 1.5, "abc", False]),
    ("types.PositiveInt", [1], [0]),
    ("NonNegativeInt", [0], [-1]),
    ("float", [3, -2.5, 1e-8], ["x", True, None, float("nan"), float("-inf")]),
    ("PositiveFloat", [1e-9, 1], [0, 0.0, -1]),
    ("Fraction", [0, 1, 0.5], [-0.1, 1.1]),
    ("Annotated[float, Range(0, 1, high_open=True)]", [0, 0.99], [1]),
    ("Annotated[int, Range(high=7)]", [-100, 7], [8]),
    ("bool", [True, False], [0, 1, "true"]),
    ("str", ["x", ""], [True, 1.5, None, ["x"]]),
    ("Path", ["x"], [1.5]),
    ("Literal['a', 'b']", ["a", "b"], ["c", None, 1]),
    ("Literal[32, 64]", [32, 64.0], [16, True, "32"]),
    ("Literal[1]", [1], [True]),
    ("Name", ["a"], ["c"]),
    ("Activation", ["tanh", "relu"], ["tahn", None]),
    ("int | None", [1, None], ["x"]),
    ("Optional[int]", [1, None], ["x"]),
    ("Union[int, str]", [1, "x"], [None]),
    ("'int | None'", [1, None], ["x"]),
    ("Name | None", ["a", None], ["c"]),
    ("list[PositiveInt]", [[], [1, 2]], [[0], 3, "x"]),
    ("tuple[float, float]", [[0.9, 0.999]], [[0.9], [1, 2, 3], ["a", 1], 0.9]),
    ("tuple[Decay, Decay]", [[0.9, 0.999], [0, 0]], [[0.9, 1], [0.9, 1.5], [-0.1, 0.9]]),
    ("tuple[PositiveInt, ...]", [[], [1, 2, 3]], [[1, 0]]),
    ("dict[str, int]", [{}, {"a": 1}], [{"a": "x"}, [1]]),
    ("Any", [None, 1, "x", [1]], []),
    ("Unheard.Of", [None, 1, "x", [1]], []),
    ("Dataset", [{"_target_": "x"}], [1, "x", None, {}]),
    ("Dataset | None", [{"_target_": "x"}, None], [1]),
    ("Colour", ["red"], ["green", None]),
    ("Colour | None", ["red", None], ["green"]),
]


@pytest.mark.parametrize(("annotation", "good", "bad"), ANNOTATIONS)
def test_an_annotation_is_the_rule(
    annotation: str, good: list[Any], bad: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"rule_{ANNOTATIONS.index((annotation, good, bad))}"
    module(tmp_path, monkeypatch, name, f"def f(x: {annotation}): ...")
    value_type: ValueType = seen(f"{name}.f").parameters["x"].value_type
    for value in good:
        assert value_type.read(value) == value
    for value in bad:
        with pytest.raises(InvalidValue):
            value_type.read(value)


def test_numbers_become_the_type_that_is_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module(tmp_path, monkeypatch, "wanted", "def f(n: int, s: float, t: str): ...")
    types = {name: parameter.value_type for name, parameter in seen("wanted.f").parameters.items()}
    values = [types["n"].read(1e6), types["s"].read(1), types["t"].read(7)]
    assert [(type(value), value) for value in values] == [(int, 1_000_000), (float, 1.0), (str, "7")]


SHAPES = """
    def function(a: int, *, b: int = 1): ...
    class Plain:
        def __init__(self, a: int, b: int = 1): ...
    class Child(Plain):
        pass
    class Own(Plain):
        def __init__(self, c: int): ...
    class Empty:
        pass
    class OfAevb(Dataset):
        pass
    class Open:
        def __init__(self, a: int, **rest: Any): ...
    class Passing(Plain):
        def __init__(self, *arguments: Any, c: int, **rest: Any):
            super().__init__(*arguments, **rest)
    class Given(Plain):
        def __init__(self, c: int = 1, **rest: Any):
            super().__init__(a=c, **rest)
    class Kept(Plain):
        def __init__(self, c: int, **rest: Any):
            super().__init__(c)
            self.rest = rest
    class Beyond(Path):
        pass
    @dataclass(frozen=True)
    class Data:
        a: int
        b: int = 1
        c: list[int] = field(default_factory=list)
        d: ClassVar[int] = 3
        e: int = field(default=2, init=False)
    @dataclasses.dataclass
    class More(Data):
        f: int = 5
    class Tuple(NamedTuple):
        a: int
        b: int = 1
    from typing import overload as alias
    Renamed = Plain
"""


@pytest.mark.parametrize(
    ("name", "required", "optional", "is_open"),
    [
        ("function", "a", "b", False),
        ("Plain", "a", "b", False),
        ("Child", "a", "b", False),
        ("Own", "c", "", False),
        ("Empty", "", "", False),
        ("OfAevb", "", "", False),
        ("Open", "a", "", True),
        ("Passing", "ac", "b", False),
        ("Given", "", "bc", False),
        ("Kept", "c", "", True),
        ("Beyond", "", "", True),
        ("Data", "a", "bc", False),
        ("More", "a", "bcf", False),
        ("Tuple", "a", "b", False),
    ],
)
def test_every_way_to_write_a_constructor(
    name: str, required: str, optional: str, is_open: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module(tmp_path, monkeypatch, "shapes", SHAPES)
    value = seen(f"shapes.{name}")
    assert {key for key, parameter in value.parameters.items() if parameter.required} == set(required)
    assert {key for key, parameter in value.parameters.items() if not parameter.required} == set(optional)
    assert value.open == is_open


def test_a_package_may_reexport(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "reexporting"
    (package / "deep").mkdir(parents=True)
    (package / "__init__.py").write_text("from .deep import Thing as Renamed\nfrom reexporting.deep import inner")
    (package / "deep" / "__init__.py").write_text("from .inner import Thing")
    (package / "deep" / "inner.py").write_text("class Thing:\n    def __init__(self, a: int): ...")
    monkeypatch.syspath_prepend(str(tmp_path))
    for target in ("reexporting.Renamed", "reexporting.deep.Thing", "reexporting.deep.inner.Thing"):
        assert list(seen(target).parameters) == ["a"]
    assert signature("reexporting.Nothing", ("reexporting",)) is None
    assert signature("reexporting.Renamed", ()) is None


def test_source_and_python_agree_on_every_target() -> None:
    differing = []
    for target in sorted(targets()):
        path, _, name = target.rpartition(".")
        real = inspect.signature(getattr(importlib.import_module(path), name)).parameters
        read = {key: parameter.required for key, parameter in seen(target).parameters.items()}
        if list(read.items()) != [(key, parameter.default is parameter.empty) for key, parameter in real.items()]:
            differing.append(target)
    assert len(targets()) > 80
    assert differing == []
