"""Runs of which only the records are kept, trained again from their config.yaml for their weights.

The rows of the second training are compared with the recorded ones. Where all are equal bit by bit, the weights are those
of the recorded run, and the archive has the recorded files; so it has the same sha256 whenever it is made. Otherwise
(another processor or another version of a library) the archive has the files of the second training.
"""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from aevb import runs
from aevb.console.counts import counted
from aevb.console.printable import printable
from aevb.errors import UserError
from aevb.execution.queue import QueuedRun, train_in_parallel
from aevb.runs import layout
from aevb.runs.comparison import rows
from aevb.runs.data_record import check_same_data, located, record_data
from aevb.runs.lock import lock
from aevb.runs.run_data import read_data
from aevb.runs.settings import NO_LOGGER
from aevb.runs.weights_archive import archived_files

__all__ = ["train_again"]


def train_again(recorded: Sequence[Path], output_dir: Path, trusted: tuple[str, ...]) -> dict[str, dict[str, Path]]:
    """Train runs again that have no model.pt, in `<output_dir>/runs/<name>`, as many at once as there are cores.

    A run that is finished there is not trained again, and one that was interrupted is resumed.

    Args:
        recorded: Run directories.
        output_dir: Where they are trained.
        trusted: Users' modules that a config may name.

    Returns:
        For each run, by its name, the files for the archive by their path in the run directory.

    Raises:
        UserError: If the data are not those of a run, or a training failed.
    """
    queue = [run for run in (_prepared(each, output_dir, trusted) for each in recorded) if run is not None]
    with closing(train_in_parallel(queue)) as ends:
        for index, code in ends:
            if code:
                raise UserError(
                    f"{queue[index].directory}: the training ended with exit code {code}; try: the same command"
                )
            print(f"{printable(queue[index].directory)}: trained", flush=True)
    return {run.resolve().name: _files(run, output_dir / "runs" / run.resolve().name) for run in recorded}


def _prepared(recorded: Path, output_dir: Path, trusted: tuple[str, ...]) -> QueuedRun | None:
    directory = output_dir / "runs" / recorded.resolve().name
    settings: dict[str, Any] = runs.read_settings(recorded)
    settings |= {"output_dir": str(output_dir), "logger": NO_LOGGER, "max_time": None}
    settings["max_samples"] = runs.Run(recorded).done["samples_seen"]
    if runs.planned_action(directory, settings) == "done":
        return None
    data = located(recorded, settings["data"])
    hashes = read_data({**settings, "data": data}, trusted).hashes
    check_same_data(recorded, hashes, data)
    with lock(directory):
        runs.prepare(directory, settings)
        record_data(directory, hashes, data)
    print(f"{printable(directory)}: training to {settings['max_samples']:,} samples", flush=True)
    return QueuedRun(directory, settings, trusted)


def _files(recorded: Path, again: Path) -> dict[str, Path]:
    before, now = rows(recorded), rows(again)
    apart = [point for point in sorted(before) if before[point] != now.get(point)]
    own = archived_files(again)
    if apart:
        print(
            f"{printable(again)}: rows differ from {printable(recorded)}, first at {apart[0]:,} samples; "
            "packed with its own rows"
        )
        return own
    print(f"{printable(again)}: {counted(len(before), 'row')}, equal to those of {printable(recorded)} bit by bit")
    return archived_files(recorded) | {name: own[name] for name in (layout.MODEL, layout.BEST) if name in own}
