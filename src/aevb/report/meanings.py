"""What the numbers of the report are, and the limitations that follow from the runs themselves."""

from collections import Counter

from aevb.data.target_convention import TargetConvention
from aevb.estimators.pareto_threshold import pareto_k_threshold
from aevb.figures.common.style import dataset
from aevb.report.panels import Panel
from aevb.report.records import RunRecord
from aevb.runs.likelihood import stated_likelihood

__all__ = ["conventions", "limitations", "training_bound"]

PAPER_WINDOW = {"mnist": 230_000, "frey_face": 460_000}
"""Samples over which Figure 2 averages the training bound, by data set."""


def training_bound(records: list[RunRecord]) -> str:
    """Return over how many samples the training bound is averaged: in all runs, or by data set where they differ.

    Args:
        records: The runs.
    """
    windows: dict[int, set[str]] = {}
    for record in records:
        window = (record.settings.get("evaluation") or {}).get("train_window")
        if isinstance(window, int):
            windows.setdefault(window, set()).add(record.flat.get("data", "other data"))
    published = {(window, data): PAPER_WINDOW.get(data) == window for window in windows for data in windows[window]}
    is_all = all(published.values())
    remark = ", as the paper plots it"
    if not windows:
        return "the running mean over the last training samples"
    if len(windows) == 1 and (is_all or not any(published.values())):
        return f"the running mean over the last {next(iter(windows)):,} samples{remark if is_all else ''}"
    parts = []
    for window, names in sorted(windows.items()):
        named = [dataset(data) + (remark if published[window, data] and not is_all else "") for data in sorted(names)]
        parts.append(f"{window:,} ({'; '.join(named)})")
    listed = f"{', '.join(parts[:-1])} or {parts[-1]}" if len(parts) > 1 else parts[0]
    return f"the running mean over the last samples, {listed}{remark if is_all else ''}"


def conventions(records: list[RunRecord]) -> list[tuple[str, str]]:
    """Return (targets, meaning) of every convention of targets among the runs.

    Args:
        records: The runs.
    """
    meanings: dict[str, dict[str, str]] = {}
    for record in records:
        convention = TargetConvention.of_run(record.facts)
        if convention is not None:
            likelihood = stated_likelihood(record.settings)
            meanings.setdefault(str(convention), {})[likelihood or "another"] = convention.meaning(likelihood)
    # One name may have several meanings; the family of p(x|z) then tells them apart.
    return sorted(
        {
            (f"{targets}, {likelihood} p(x|z)" if len(set(texts.values())) > 1 else targets, text)
            for targets, texts in meanings.items()
            for likelihood, text in texts.items()
        }
    )


def limitations(records: list[RunRecord], panels: list[Panel]) -> list[str]:
    """Return sentences on what the runs cannot show, each generated from a fact.

    Args:
        records: The runs.
        panels: The panels of the charts.
    """
    texts = []
    single = [f"{line.label} ({panel.title})" for panel in panels for line in panel.lines if len(line.curves) == 1]
    if single:
        named = "; ".join(single[:6]) + (f"; and {len(single) - 6} more" if len(single) > 6 else "")
        texts.append(f"One seed only, so that nothing is known of the spread: {named}.")
    texts += _pareto(records)
    states = Counter(record.row.state for record in records)
    unfinished = {state: count for state, count in states.items() if state != "done"}
    if unfinished:
        named = ", ".join(f"{count} {state}" for state, count in unfinished.items())
        texts.append(f"Not all runs are done ({named}): means at the end are over fewer runs.")
    if any(str(record.manifest.get("dirty")).lower() == "true" for record in records):
        texts.append("Some runs were trained by code with uncommitted changes.")
    return texts


def _pareto(records: list[RunRecord]) -> list[str]:
    above: Counter[tuple[int, int]] = Counter()
    totals: Counter[tuple[int, int]] = Counter()
    for record in records:
        for item in record.evaluations_read:
            samples = item.facts.get("settings", {}).get("samples")
            if "pareto_k" in item.values and isinstance(samples, int) and samples > 10:
                threshold = pareto_k_threshold(samples)
                totals[samples, round(100 * threshold)] += 1
                above[samples, round(100 * threshold)] += item.values["pareto_k"][0] > threshold
    return [
        f"Importance sampling with {samples} samples: the mean Pareto k is above its threshold of {hundredths / 100:.2f} in "
        f"{above[samples, hundredths]} of {total} evaluations, so log p(x) is a lower bound that may be loose there."
        for (samples, hundredths), total in sorted(totals.items())
        if above[samples, hundredths]
    ]
