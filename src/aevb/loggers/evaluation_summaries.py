"""The evaluations of a finished run in TensorBoard: <run>/tb/evaluation, written anew from <run>/evaluation.

The files in <run>/evaluation are the record. A run that was trained without TensorBoard gets nothing.
"""

import math
import shutil
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter

from aevb.console.printable import error_text
from aevb.data.target_convention import log_px_of
from aevb.errors import UserError
from aevb.files.regular import check_folder
from aevb.runs import layout
from aevb.runs.evaluation_record import read_evaluation
from aevb.runs.run import Run

__all__ = ["write_evaluation_summaries"]


def write_evaluation_summaries(run: Path) -> None:
    """Write scalars `evaluation/<file>/<value>` over samples_seen, and a table, of every evaluation.

    Args:
        run: The run directory of a finished run.

    Raises:
        UserError: They cannot be written.
    """
    try:
        _write(run)
    except OSError as error:  # of TensorBoard's writer
        raise UserError(
            f"{run / layout.PUBLISHED_EVALUATIONS}: cannot be written ({error.strerror}); the evaluations are kept; "
            "allowed: a folder of yours on a disk with space; try: make room there, then the same command"
        ) from error


def _write(run: Path) -> None:
    folder = run / layout.PUBLISHED_EVALUATIONS
    if not check_folder(folder.parent):
        return
    check_folder(folder)
    shutil.rmtree(folder, ignore_errors=True)
    seen, log_px = Run(run).done["samples_seen"], log_px_of(Run(run).settings).replace("|", "\\|")
    lines = [f"| evaluation | images | value | mean | standard error | of {log_px} |", "|---|---:|---|---:|---:|---|"]
    with SummaryWriter(str(folder)) as writer:
        for path in layout.evaluation_files(run):
            facts = read_evaluation(path)
            for name, value in facts.get("values", {}).items():
                writer.add_scalar(f"evaluation/{path.stem}/{name}", value["mean"], seen)
            row = (
                facts.get("quantity", ""),
                f"{facts.get('mean', math.nan):.3f}",
                error_text(facts.get("standard_error"), 3),
                facts.get("direction") or "",
            )
            lines.append(f"| {path.stem} | {facts['n']:,} | {' | '.join(row)} |")
        writer.add_text("evaluation", "\n".join(lines), seen)
