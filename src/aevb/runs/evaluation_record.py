"""The JSON files of evaluation/, each read through its schema.

An evaluator adds entries of its own, which figures draw: those of this package have a schema too. An entry that is
missing is noticed by whoever needs it, who then is told in one line which file lacks what.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from aevb.errors import UserError
from aevb.runs import fields
from aevb.runs.fields import Field
from aevb.runs.records import check_fields, read_json

__all__ = ["EvaluationRecord", "checked_evaluation", "evaluation_record", "read_evaluation"]

REMEDY = "remove it, then aevb-evaluate, which makes it again"
EVALUATION: Mapping[str, Field] = {
    "name": fields.text,
    "split": fields.text,
    "n": fields.count,
    "mean?": fields.number,
    "standard_error?": fields.number,
    "settings?": fields.mapping,
    "values?": fields.estimates,
    "quantity?": fields.text,
    "direction?": fields.optional_text,
    "targets?": fields.text,
    "identity?": fields.text,
}
SUMMARIES: Mapping[str, Mapping[str, Field]] = {
    "calibration": {
        "verdict?": fields.text,
        "p_value?": fields.number,
        "rank_histograms?": fields.histograms,
        "tarp_levels?": fields.numbers,
        "tarp_coverage?": fields.numbers,
    },
    "information": {
        "verdict?": fields.text,
        "ceiling?": fields.number,
        "active_units?": fields.count,
        "active_above?": fields.number,
        "kl_per_dimension?": fields.numbers,
        "variance_of_mean?": fields.numbers,
        "log_var_histogram?": fields.histogram,
    },
    "shapes": {"sample_kinds?": fields.mapping, "threshold?": fields.number},
}
"""The entries that the evaluators of this package add, by the name of the evaluator."""

SAME_LENGTH = (("tarp_levels", "tarp_coverage"), ("kl_per_dimension", "variance_of_mean"))


class EvaluationRecord(dict[str, Any]):
    """A JSON object of evaluation/; an entry that is missing is an error of the file.

    Args:
        entries: The entries.
        path: The path of the file.
        within: The name of the object within the file; "" for the file as a whole.
    """

    def __init__(self, entries: Mapping[str, Any], path: Path, within: str = "") -> None:
        super().__init__(entries)
        self.path, self.within = path, within

    def __missing__(self, key: str) -> NoReturn:
        """Refuse the file.

        Args:
            key: The name of the missing entry.

        Raises:
            UserError: Always.
        """
        name = f"{self.within}.{key}" if self.within else key
        raise UserError(f"{self.path}: damaged ({name} is missing); try: {REMEDY}")


def checked_evaluation(path: Path) -> dict[str, Any]:
    """Read one file of evaluation/ as plain containers, which travel fast between processes.

    Args:
        path: The path of the file.

    Returns:
        The checked entries.

    Raises:
        UserError: The file is damaged.
    """
    record = read_json(path, REMEDY)
    check_fields(record, EVALUATION, path, REMEDY)
    check_fields(record, SUMMARIES.get(record["name"], {}), path, REMEDY)
    for one, other in SAME_LENGTH:
        if one in record and other in record and len(record[one]) != len(record[other]):
            raise UserError(f"{path}: damaged ({one} and {other} differ in length); try: {REMEDY}")
    return record


def evaluation_record(checked: Mapping[str, Any], path: Path) -> EvaluationRecord:
    """Return a record whose missing entries are errors of its file.

    Args:
        checked: The entries, as `checked_evaluation` returns them.
        path: The path of the file.
    """
    record = EvaluationRecord(checked, path)
    for name in ("settings", "values"):
        if name in record:
            record[name] = EvaluationRecord(record[name], path, name)
    return record


def read_evaluation(path: Path) -> EvaluationRecord:
    """Read one file of evaluation/.

    Args:
        path: The path of the file.

    Returns:
        The checked entries.

    Raises:
        UserError: The file is damaged; later, when an entry is asked for that the file lacks.
    """
    return evaluation_record(checked_evaluation(path), path)
