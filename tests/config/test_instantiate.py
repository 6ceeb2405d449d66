"""Only allow-listed names are called, with the arguments their signature names."""

from pathlib import Path
from typing import Any

import pytest

from aevb.config.instantiate import build, instantiate
from aevb.errors import UserError

ENCODER = "aevb.models.gaussian.GaussianEncoder"


@pytest.mark.parametrize(
    "target",
    [
        "os.system",
        "pathlib.Path.write_text",
        "builtins.eval",
        "aevb.files.atomic.write_text",
        "aevb.models.gaussian.torch.load",
        f"{ENCODER}.forward",
        f"{ENCODER} ",
        "",
        None,
        ["os.system"],
    ],
)
def test_a_target_outside_the_allow_list_is_refused(target: Any, tmp_path: Path) -> None:
    proof = tmp_path / "proof"
    node = {"deep": [{"_target_": target, "self": str(proof), "data": "x", "command": f"touch {proof}"}]}
    with pytest.raises(UserError, match="not a target that a config may name"):
        instantiate(node)
    assert not proof.exists()


def test_trust_is_for_a_module_and_below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "trusty.py").write_text("def double(x: int) -> int:\n    return 2 * x\n")
    (tmp_path / "trusty_not.py").write_text("def double(x: int) -> int:\n    return 2 * x\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    node = {"_target_": "trusty.double", "x": {"_target_": "trusty.double", "x": 4}}
    assert instantiate(node, ("trusty",)) == 16
    for trusted in ((), ("trust",), ("trusty.other",)):
        with pytest.raises(UserError):
            instantiate(node, trusted)
    with pytest.raises(UserError):
        instantiate({"_target_": "trusty_not.double", "x": 1}, ("trusty",))


def test_a_class_that_lacks_a_method_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = "from abc import ABC, abstractmethod\nclass Base(ABC):\n    @abstractmethod\n    def values(self): ...\n"
    (tmp_path / "half_done.py").write_text(f"{source}class Mine(Base):\n    pass\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(UserError, match=r"half_done\.Mine: an abstract class; try: define values in it"):
        instantiate({"_target_": "half_done.Mine"}, ("half_done",))


def test_runtime_arguments_go_where_they_are_named_and_the_config_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "takers.py").write_text(
        "def outer(part, data_dim): return (part, data_dim)\ndef inner(data_dim=0, seed=0): return (data_dim, seed)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    node = {"_target_": "takers.outer", "part": {"_target_": "takers.inner", "data_dim": 3}}
    assert instantiate(node, ("takers",), data_dim=5, seed=7, params=[]) == ((3, 7), 5)


def test_runtime_arguments_are_passed_on_to_a_base_class(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "passing.py").write_text(
        "class Base:\n    def __init__(self, data_dim, width=1): self.made = (data_dim, width)\n"
        "class Mine(Base):\n    def __init__(self, *args, **kwargs): super().__init__(*args, **kwargs)\n"
        "class Closed(Mine):\n    def __init__(self, width): super().__init__(data_dim=9, width=width)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    made = [
        instantiate({"_target_": f"passing.{name}", "width": 3}, ("passing",), data_dim=5, seed=7).made
        for name in ("Mine", "Closed")
    ]
    assert made == [(5, 3), (9, 3)]


def test_a_value_of_an_enumeration_is_its_member(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kinds.py").write_text(
        "from __future__ import annotations\nfrom enum import Enum\nclass Kind(Enum):\n    one = 1\n    two = 'b'\n"
        "def given(kind: Kind, other: Kind | None = None, text: str = 'b'): return [kind, other, text]\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    kind, other, text = instantiate({"_target_": "kinds.given", "kind": "b", "other": None, "text": "b"}, ("kinds",))
    assert (kind.name, other, text) == ("two", None, "b")
    assert instantiate({"_target_": "kinds.given", "kind": 1, "other": 1}, ("kinds",))[1].name == "one"


def test_plain_values_are_themselves() -> None:
    assert instantiate({"a": [1, {"b": None}], "c": "x"}) == {"a": [1, {"b": None}], "c": "x"}


@pytest.mark.parametrize("extra", [{"latnet_dim": 3}, {}])
def test_arguments_that_do_not_fit_are_reported(extra: dict[str, int]) -> None:
    with pytest.raises(UserError, match=ENCODER.replace(".", r"\.")):
        instantiate({"_target_": ENCODER, **extra}, data_dim=4)


def test_a_removed_name_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "leaving.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(UserError, match=r"leaving\.thing"):
        instantiate({"_target_": "leaving.thing"}, ("leaving",))


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("Other", "objective._target_=own_kinds.Other: makes a Other; allowed: a subclass of Module"),
        ("Forgets", r"objective._target_=own_kinds.Forgets: its constructor never called super\(\).__init__; try: "),
        ("Compared", "_target_=own_kinds.Compared: a dataclass that compares .*; try: @dataclass"),
    ],
)
def test_an_object_of_another_kind_is_refused(
    name: str, wrong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from torch import nn

    (tmp_path / "own_kinds.py").write_text(
        "from dataclasses import dataclass\nfrom torch import nn\nclass Right(nn.Module): pass\nclass Other: pass\n"
        "class Forgets(nn.Module):\n    def __init__(self): self.scale = 1\n"
        "@dataclass\nclass Compared(nn.Module):\n    scale: int = 1\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    assert build({"_target_": "own_kinds.Right"}, nn.Module, "objective", ("own_kinds",)).training
    with pytest.raises(UserError, match=wrong):
        build({"_target_": f"own_kinds.{name}"}, nn.Module, "objective", ("own_kinds",))
