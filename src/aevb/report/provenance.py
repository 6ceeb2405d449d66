"""Where the numbers come from: versions, commits, machines, data and conventions of all runs, each with the runs that share it."""

from collections import Counter
from typing import Any, NamedTuple

from aevb.config import flatten, shown
from aevb.report.records import RunRecord

__all__ = ["Fact", "commands", "newest_start", "provenance"]

SHARED = (
    "versions",
    "commit",
    "dirty",
    "platform",
    "processor",
    "device",
    "devices",
    "threads",
    "matmul_backend",
    "data",
)
FROM_TRAINER = ("precision", "threads", "matmul_backend", "engine")
MOST_VALUES = 12


class Fact(NamedTuple):
    """A fact about the origin of the runs.

    Attributes:
        name: The name of the fact.
        values: The number of runs by value, the most frequent first.
        more: The number of further values.
    """

    name: str
    values: dict[str, int]
    more: int


def provenance(records: list[RunRecord]) -> list[Fact]:
    """Collect the facts of the runs' manifests, and from DONE and the config of runs that have none.

    Args:
        records: The runs.
    """
    counts: dict[str, Counter[str]] = {}
    for record in records:
        for name, value in _facts(record).items():
            counts.setdefault(name, Counter())[shown(value)] += 1
    return [
        Fact(
            name,
            dict(sorted(files.items(), key=lambda item: (-item[1], item[0]))[:MOST_VALUES]),
            max(0, len(files) - MOST_VALUES),
        )
        for name, files in counts.items()
    ]


def _facts(record: RunRecord) -> dict[str, Any]:
    manifest, trainer = record.manifest, record.settings.get("trainer") or {}
    facts = dict(flatten({key: manifest[key] for key in SHARED if key in manifest}))
    facts.setdefault("commit", record.facts.get("commit") or "not recorded")
    facts |= {f"data.{split}": value for split, value in record.hashes.items() if f"data.{split}" not in facts}
    facts |= {"sampling": record.settings["sampling"]} if "sampling" in record.settings else {}
    facts |= {f"trainer.{key}": trainer[key] for key in FROM_TRAINER if key in trainer}
    for item in record.evaluations_read:
        named = shown(item.facts["settings"]) if "settings" in item.facts else ""
        facts[f"evaluation {item.stem}"] = f"{item.facts.get('n')} images, seed {item.facts.get('seed')}, {named}"
        facts["targets"] = item.facts.get("targets")
    return {name: value for name, value in facts.items() if value not in (None, {})}


def commands(records: list[RunRecord]) -> dict[str, int]:
    """Count the command lines that started the runs.

    Args:
        records: The runs.

    Returns:
        The number of runs by command line, the most frequent first.
    """
    counts = Counter(
        str(record.starts[-1]["command"]) for record in records if record.starts and "command" in record.starts[-1]
    )
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def newest_start(records: list[RunRecord]) -> str:
    """Return the time at which the newest run was started, according to its manifest.

    Args:
        records: The runs.

    Returns:
        The time; empty if no run has a manifest.
    """
    return max((str(start["time"]) for record in records for start in record.starts if "time" in start), default="")
