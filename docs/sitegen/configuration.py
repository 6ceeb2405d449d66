"""The reference of the configuration: a page for each group, with a section for each of its options."""

from collections.abc import Iterator
from typing import Any

from aevb.config.tree import CONF, options, read_yaml, targets_in
from sitegen.config_keys import Row, rows_of_option, rows_of_root
from sitegen.docstrings import described
from sitegen.links import option_label
from sitegen.markdown import fenced, prose, table, toctree
from sitegen.yaml_comments import header

__all__ = ["groups", "pages"]

TITLES = {
    "data": "Data sets",
    "model": "Models",
    "model/encoder": "Encoders and posterior families",
    "model/prior": "Priors",
    "objective": "Objectives",
    "optimizer": "Optimizers",
    "evaluation": "Evaluation points",
    "evaluator": "Evaluators",
    "schedule": "Learning-rate schedules",
    "early_stopping": "Early stopping",
    "selection": "Selection of the learning rate",
    "trainer": "Hardware and arithmetic",
    "logger": "Loggers",
    "pitfall": "Pitfalls",
    "figure": "Figures",
    "hydra/launcher": "Launchers of a sweep",
    "hydra/sweeper": "Sweepers",
}
ELSEWHERE = ("experiment",)  # has pages of its own
ROOTS = {"train": "aevb-train", "evaluate": "aevb-evaluate", "figure": "aevb-figure"}
COLUMNS = ("key", "value", "allowed", "meaning")
INTRODUCTION = """# Configuration keys

Every key that a config may have: its value in the default configuration, what is allowed, and what it means. A key is given
on the command line as `key=value`; `aevb-train --cfg job` shows the whole config. `group=option` chooses an option of a group,
and with it the keys of that option. Types and ranges are checked before anything is trained."""


def groups() -> dict[str, str]:
    """Return every configuration group with its title; one without a title is called by its name."""
    own = sorted(path.name for path in CONF.iterdir() if path.is_dir() and path.name not in ("hydra", *ELSEWHERE))
    return TITLES | {name: name.replace("_", " ").capitalize() for name in own if name not in TITLES}


def pages() -> Iterator[tuple[str, str]]:
    """Yield name and Markdown of every page of the reference."""
    names = [group.replace("/", "-") for group in groups()]
    roots = [_root(root, command) for root, command in ROOTS.items()]
    yield "reference/configuration/index.md", "\n\n".join([INTRODUCTION, *roots, toctree(names)])
    for group, title in groups().items():
        parts = [f"# {title}: `{group}`", f"`{group}=NAME` on the command line chooses one of these options."]
        parts += [_option(group, option) for option in options(group)]
        yield f"reference/configuration/{group.replace('/', '-')}.md", "\n\n".join(parts)


def _root(root: str, command: str) -> str:
    path = CONF / f"{root}.yaml"
    rows = list(rows_of_root(path, root))
    for group, option in _chosen(read_yaml(path)["defaults"]):
        link = f" ([{group}={option}](#{option_label(group, option)}))"
        for row in rows_of_option(CONF / group / f"{option}.yaml", group):
            rows.append(row._replace(meaning=row.meaning + link))
    heading = header(path)
    return (
        f"({option_label('', root)})=\n## `{command}`\n\n{prose(f'{heading.first} {heading.text}')}\n\n{_table(rows)}"
    )


def _chosen(defaults: list[Any]) -> Iterator[tuple[str, str]]:
    for entry in defaults:
        for group, chosen in entry.items() if isinstance(entry, dict) else ():
            if group in groups() and chosen is not None:
                yield from ((group, option) for option in (chosen if isinstance(chosen, list) else [chosen]))


def _option(group: str, option: str) -> str:
    path = CONF / group / f"{option}.yaml"
    heading, target = header(path), next(targets_in(read_yaml(path)), None)
    parts = [f"({option_label(group, option)})=\n## `{group}={option}`", prose(f"{heading.first} {heading.text}")]
    if heading.commands:
        parts.append(fenced("\n".join(heading.commands)))
    if target is not None:
        parts += [f"Builds {{py:obj}}`{target}`."]
        parts += [part if part.startswith("    ") else prose(part) for part in described(target).text.split("\n\n")]
    return "\n\n".join([*filter(None, parts), _table(list(rows_of_option(path, group)))])


def _table(rows: list[Row]) -> str:
    return table(COLUMNS, [row.cells() for row in rows]) if rows else ""
