"""Process entry of the evaluations of one run: `python -m aevb.execution.evaluation_worker EVALUATIONS RESULTS`.

Several evaluations of the same run are made one after another by one process, because they write to the same directory.
"""

import argparse
import json
import traceback
from pathlib import Path
from typing import Any

from aevb.console.process_exit import exit_immediately
from aevb.console.streams import OutputError
from aevb.errors import UserError
from aevb.evaluation.evaluate_run import evaluate_run
from aevb.execution.lifetime import exit_with_parent

__all__ = ["evaluate", "main"]


def evaluate(settings: dict[str, Any], trusted: tuple[str, ...], cores: int = 1) -> None:
    """Evaluate a run as the validated config of aevb-evaluate says, and print the table.

    Args:
        settings: The config; `run` is one run directory.
        trusted: Users' modules that a config may name.
        cores: On which the images of the run are evaluated.

    Raises:
        UserError: For what a user can mend.
    """
    splits = settings["split"] if isinstance(settings["split"], list) else [settings["split"]]
    rest = {key: settings[key] for key in ("num_images", "data_root", "seed", "threads", "matmul_precision", "weights")}
    output_dir = Path(settings["output_dir"]) if settings.get("output_dir") else None
    run, evaluators = Path(settings["run"]), settings["evaluator"]
    evaluate_run(run, evaluators, splits, **rest, output_dir=output_dir, trusted=trusted, cores=cores)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line of the process.

    Args:
        arguments: The command line; None for that of the process.

    Returns:
        The exit code: 0 if every evaluation ended, 1 if some did not.
    """
    parser = argparse.ArgumentParser(prog="python -m aevb.execution.evaluation_worker", description=__doc__)
    parser.add_argument("evaluations", type=json.loads, help="configs of aevb-evaluate, by an identifier, in JSON")
    parser.add_argument(
        "results",
        type=Path,
        help="file that gets a line [identifier, reason, errno of standard output] for each that ended",
    )
    parser.add_argument("--trust", action="append", default=[], help="module of yours that a config may name")
    options = parser.parse_args(arguments)
    exit_with_parent()
    failed = False
    for identifier, settings in options.evaluations.items():
        number = 0
        try:
            evaluate(settings, tuple(options.trust))
            reason = ""
        except OutputError as error:  # the command ends by it, and not this evaluation alone
            reason, number = str(error), error.errno or 0
        except UserError as error:
            reason = str(error)
        except Exception as error:
            traceback.print_exc()
            reason = f"{type(error).__name__}: {error}"
        failed |= bool(reason)
        with options.results.open("a", encoding="utf-8") as file:
            file.write(json.dumps([identifier, reason, number]) + "\n")
    return int(failed)


if __name__ == "__main__":
    exit_immediately(main())
