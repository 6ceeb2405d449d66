"""The reason of a failed run in the table of a sweep is the message of its error."""

import traceback
from pathlib import Path

import pytest

from aevb.distributions import NoClosedForm
from aevb.errors import UserError
from aevb.runs import mark_failed
from aevb.runs.status import failure_reason, has_diverged
from aevb.training.divergence import Diverged


@pytest.mark.parametrize("error", [NoClosedForm("f", "log_normal"), UserError("seed=x: no"), Diverged("bound: nan")])
def test_the_class_of_an_error_of_aevb_is_left_out(error: UserError, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("{}")
    mark_failed(tmp_path, "".join(traceback.format_exception(error)))
    assert failure_reason(tmp_path) == str(error)
    assert has_diverged(tmp_path) == isinstance(error, Diverged)


def test_the_class_of_another_error_is_kept(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("{}")
    mark_failed(tmp_path, "".join(traceback.format_exception(ValueError("aevb.x: no"))))
    assert failure_reason(tmp_path) == "ValueError: aevb.x: no"


def test_a_missing_closed_form_names_the_keys() -> None:
    message = str(NoClosedForm("f", "log_normal"))
    assert message.startswith("KL(f || log_normal): no closed form for this model/encoder= and model/prior=; allowed: ")
