"""What the report knows of a run: everything in its directory that is shown, read once and redacted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from aevb.console.forks import map_forked
from aevb.data.target_convention import TargetConvention
from aevb.errors import UserError
from aevb.files.regular import read_tail
from aevb.report.differing import flat_settings
from aevb.report.images import Picture
from aevb.report.redaction import Redaction, strings
from aevb.report.siblings import Siblings
from aevb.runs import layout
from aevb.runs.csv_table import CLOCK, cells_of, parse_columns, plain_lines, table_text
from aevb.runs.evaluation_record import checked_evaluation
from aevb.runs.records import read_data_hashes, read_done, read_manifest
from aevb.runs.run import Run
from aevb.runs.settings import read_settings
from aevb.runs.status import ReadRun, Row, read_run

__all__ = ["DAMAGE", "Evaluation", "RunRecord", "read_record", "read_records", "redacted"]

DAMAGE = (UserError, OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError)
"""What reading a damaged file, or one from elsewhere, can raise."""

DERIVED = ("flat", "numbers")
"""What is computed from the settings alone."""

LONGEST_TRACEBACK = 20_000  # bytes, from the end


class Evaluation(NamedTuple):
    """One file of evaluation/.

    Attributes:
        stem: The name of the file without its suffix.
        facts: The entries of the file.
        values: (mean, standard error) by name, in nats unless the name says otherwise.
    """

    stem: str
    facts: dict[str, Any]
    values: dict[str, tuple[float, float]]


@dataclass(frozen=True)
class RunRecord(Run):
    """A run directory with its files read; a run without DONE has what is known so far.

    Attributes:
        row: State, samples seen and budget.
        settings: Its config; empty if it cannot be read.
        table: metrics.csv by columns, (R,) each; empty if it has no rows or cannot be read.
        metrics_text: metrics.csv itself.
        facts: DONE; empty for a run that is not done.
        manifest: manifest.json; empty if there is none.
        hashes: data.json.
        evaluations_read: The files of evaluation/.
        traceback: FAILED.
        faults: Files that could not be read, and why.
        images: Pictures of its logger.
    """

    row: Row
    settings: dict[str, Any] = field(default_factory=dict)
    table: dict[str, np.ndarray] = field(default_factory=dict)
    metrics_text: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    manifest: dict[str, Any] = field(default_factory=dict)
    hashes: dict[str, Any] = field(default_factory=dict)
    evaluations_read: list[Evaluation] = field(default_factory=list)
    traceback: str = ""
    faults: list[str] = field(default_factory=list)
    images: list[Picture] = field(default_factory=list)

    @cached_property
    def done(self) -> dict[str, Any]:
        """DONE; for a run that is not done, what is known without it."""
        return {"fingerprint": "", "samples_seen": self.row.samples_seen, **self.facts}

    @cached_property
    def flat(self) -> dict[str, str]:
        """The settings that describe the experiment, by dotted key; empty if the config cannot be read."""
        return flat_settings(self.settings)

    @cached_property
    def texts(self) -> list[frozenset[str]]:
        """Every string of its JSON records, and every key, in sets of which runs share most."""
        return [frozenset(strings(self.settings)), self.own_texts]

    @property
    def own_texts(self) -> frozenset[str]:
        """Every string and key of its JSON records beside the config."""
        return frozenset(strings([self.facts, self.manifest, [item.facts for item in self.evaluations_read]]))

    @property
    def starts(self) -> list[dict[str, Any]]:
        """The starts of the run in manifest.json, the newest last."""
        starts: list[dict[str, Any]] = self.manifest.get("starts", [])
        return starts

    @property
    def columns(self) -> list[str]:
        """Columns of metrics.csv, without samples_seen."""
        return [name for name in self.table if name and name != CLOCK]

    @cached_property
    def last_line(self) -> dict[str, str]:
        """The last line of metrics.csv as it is written, by column; empty if there is none."""
        if not self.table:
            return {}
        if (lines := plain_lines(self.metrics_text)) is not None:
            names, last = lines[0].split(","), lines[-1].split(",")
        else:
            names, *_, last = cells_of(self.metrics_text)
        return dict(zip(names, last, strict=True))

    def metrics(self) -> dict[str, np.ndarray]:
        """The columns of metrics.csv as numbers; nan where nothing was computed."""
        return self._metrics

    @cached_property
    def _metrics(self) -> dict[str, np.ndarray]:
        table = self.table or {CLOCK: np.array([], dtype=np.int64)}
        # Figures ask every run for the bounds.
        names = dict.fromkeys([CLOCK, "train_bound", "test_bound", *self.columns])
        return {name: table[name] if name in table else np.full(len(table[CLOCK]), np.nan) for name in names}


def read_records(runs: Sequence[Row | Path]) -> list[RunRecord]:
    """Read run directories, many of them in several processes.

    Args:
        runs: As of `read_record`.

    Returns:
        The records, in order.
    """
    return map_forked(partial(_read_whole, Siblings()), runs)


def _read_whole(siblings: Siblings, run: Row | Path) -> RunRecord:
    # With what is always asked for and follows from one run alone.
    record = read_record(run)
    config = siblings.config(record.settings)
    vars(record).update(config._asdict(), texts=[config.texts, record.own_texts])
    return record


def read_record(run: Row | Path) -> RunRecord:
    """Read a run directory.

    Args:
        run: The run's line of aevb-status; or the run directory, of which the line is found too.

    Returns:
        The record. A file that cannot be read leaves its part empty and a line in `faults`.
    """
    row, done, settings = read_run(run) if isinstance(run, Path) else ReadRun(run)
    directory = Path(row.run)
    faults: list[str] = []

    def attempt(read: Callable[[], Any], otherwise: Any) -> Any:
        try:
            return read()
        except FileNotFoundError:
            return otherwise
        except DAMAGE as error:
            faults.append(" ".join(str(error).split()))
            return otherwise

    if done is None and row.state in ("done", "partial"):
        done = attempt(lambda: read_done(directory), None)
    if settings is None:
        settings = attempt(lambda: read_settings(directory, done), {}) if row.state != "missing" else {}
    metrics = f"{directory}/{layout.METRICS}"
    metrics_text = attempt(lambda: table_text(metrics), "")
    table = attempt(lambda: parse_columns(metrics_text, metrics), {})
    evaluations = [attempt(partial(_evaluation, path), None) for path in layout.evaluation_files(directory)]
    return RunRecord(
        directory,
        row,
        settings,
        table,
        metrics_text if table else "",
        _without_config(done or {}),
        attempt(lambda: read_manifest(directory), {}),
        dict(attempt(lambda: read_data_hashes(directory), {})),
        [item for item in evaluations if item is not None],
        attempt(lambda: read_tail(directory / layout.FAILED, LONGEST_TRACEBACK), "")
        if row.state in ("failed", "diverged")
        else "",
        [fault for fault in dict.fromkeys(faults) if fault not in row.why],
    )


def _without_config(done: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in done.items() if key != "config"}  # a copy of config.yaml


def _evaluation(path: Path) -> Evaluation:
    facts = checked_evaluation(path)
    values = {str(name): (float(v["mean"]), float(v["standard_error"])) for name, v in facts.get("values", {}).items()}
    return Evaluation(path.stem, facts, values)


def redacted(record: RunRecord, redaction: Redaction) -> RunRecord:
    """Return the record with private names removed from every text in it but metrics.csv, which holds numbers only.

    Args:
        record: The run.
        redaction: The private names.
    """
    value, text, row = redaction.value, redaction.text, record.row
    is_public = redaction.is_public(record.texts)
    own = [row.run, row.why, row.point, record.traceback, *record.faults]
    if (public := [text(line) for line in own]) != own:
        run, why, point, traceback, *faults = public
        derived = {name: vars(record)[name] for name in DERIVED if name in vars(record)}
        record = replace(record, row=replace(row, run=run, why=why, point=point), traceback=traceback, faults=faults)
        vars(record).update(derived if is_public else {})
    if is_public:
        return record
    return replace(
        record,
        settings=value(record.settings),
        facts=_public_facts(record.facts, redaction),
        manifest=value(record.manifest),
        evaluations_read=[item._replace(facts=value(item.facts)) for item in record.evaluations_read],
    )


def _public_facts(facts: dict[str, Any], redaction: Redaction) -> dict[str, Any]:
    # Without the convention of the targets if what is left of it would be another one, or none that there is.
    public: dict[str, Any] = redaction.value(facts)
    before = TargetConvention.of_run(facts)
    try:
        after = TargetConvention.of_run(public)
    except (TypeError, ValueError):
        after = None
    if before is not None and (after is None or after.kind != before.kind):
        return {key: item for key, item in public.items() if key not in ("targets", "target_convention")}
    return public
