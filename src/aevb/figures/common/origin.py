"""Where a number of a figure comes from, and what it means: its run, its config, its code and the convention of its targets."""

from collections.abc import Iterable

from aevb.data.target_convention import TargetConvention
from aevb.figures.common.learning_curves import Curve
from aevb.runs.likelihood import stated_likelihood
from aevb.runs.run import Run

__all__ = ["convention", "meanings", "provenance", "provenances"]


def provenance(run: Run) -> dict[str, str]:
    """Return the origin of a number: the run, the fingerprint of its config and the commit of the code.

    Args:
        run: A finished run.

    Returns:
        The columns "run", "fingerprint" and "commit".
    """
    done = run.done
    return {"run": run.name, "fingerprint": done["fingerprint"], "commit": done.get("commit") or ""}


def provenances(curves: list[Curve]) -> dict[str, str]:
    """Join the `provenance` of several runs with semicolons; a shared commit is named once.

    Args:
        curves: The curves of the runs.

    Returns:
        The columns "run", "fingerprint" and "commit".
    """
    records = [provenance(item.run) for item in curves]
    joined = {key: ";".join(item[key] for item in records) for key in ("run", "fingerprint")}
    return {**joined, "commit": ";".join(dict.fromkeys(item["commit"] for item in records))}


def convention(run: Run) -> str:
    """Return the name of the targets and their scaling, e.g. "grey/255".

    Args:
        run: A finished run.

    Returns:
        The name; empty if the run does not state it.
    """
    return str(run.done.get("targets", ""))


def meanings(runs: Iterable[Run]) -> str:
    """Explain what the numbers of the runs mean (see `aevb.data.target_convention`).

    Args:
        runs: Finished runs.

    Returns:
        A Markdown list with one item per convention of the targets.
    """
    conventions = [(TargetConvention.of_run(run.done), stated_likelihood(run.settings)) for run in runs]
    lines = {f"{targets}: {targets.meaning(likelihood)}." for targets, likelihood in conventions if targets is not None}
    return "".join(f"* {line}\n" for line in sorted(lines))
