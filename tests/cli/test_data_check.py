"""What aevb-train checks before torch is loaded."""

from pathlib import Path

import pytest

from aevb.cli.data_check import check_arguments, read_facts
from aevb.errors import UserError

PROSE = """
from aevb.data.digits import Digits

class Prose(Digits):
    def __init__(self) -> None:
        super().__init__()
        self.convention = "grey/16"
"""


def test_a_convention_in_prose_is_refused_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "prose.py").write_text(PROSE)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(UserError, match=r"data\._target_=prose\.Prose: its convention is 'grey/16'; allowed: a Target"):
        read_facts({"data": {"_target_": "prose.Prose"}, "trainer": {"threads": 1}}, ("prose",))


def test_arguments_are_checked_without_the_files(tmp_path: Path) -> None:
    node = {"_target_": "aevb.data.mnist.MNIST", "root": str(tmp_path), "targets": "fixed", "scale": 256}
    with pytest.raises(UserError, match=r"data\.scale=256: data\.targets=fixed has no grey levels"):
        check_arguments({"data": node})
    check_arguments({"data": {**node, "scale": 255}})
    check_arguments({"data": {"_target_": "mine.Faces"}})  # a user's own class is not called
