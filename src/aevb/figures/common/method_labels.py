"""Names of methods in figures: the objective, and the config keys in which the methods differ."""

from functools import cache
from typing import Any

from aevb.config import CONF
from aevb.config.tree import read_yaml, root_defaults
from aevb.figures.common.learning_curves import ConfigKey, Curve
from aevb.figures.common.style import dataset, method
from aevb.runs.run import Run

__all__ = ["distinct_names", "labels"]

PARTS = ("model/encoder", "model/prior")
"""Groups within a group."""


def labels(curves: list[Curve]) -> dict[tuple[str, ConfigKey], str]:
    """Name every config key by its method and by the keys in which it differs from the others.

    The model is named if there are several. A key with its default value, of conf/train.yaml or of an option in conf/, is
    left out, unless two config keys would then have the same name: different config keys have different names.

    Args:
        curves: The curves.

    Returns:
        The names by (data set, config key).
    """
    by_data: dict[str, dict[ConfigKey, Run]] = {}
    for item in curves:
        by_data.setdefault(item.data, {})[item.config_key] = item.run
    names: dict[tuple[str, ConfigKey], str] = {}
    for data, by_key in by_data.items():
        values: dict[str, set[str | None]] = {}
        for key in {key for config_key in by_key for key, _ in config_key}:
            values[key] = {dict(config_key).get(key) for config_key in by_key}
        # The method is named by the objective, so its target is left out; so are keys that have one value only,
        # because they do not distinguish methods.
        differing = {
            key for key, choices in values.items() if len(choices - {None}) > 1 and key != "objective._target_"
        }
        models = {str(run.settings["choices"].get("model")) for run in by_key.values()}
        short = {}
        for config_key, run in by_key.items():
            label = method(str(run.settings["choices"]["objective"])).label
            if len(models) > 1:  # which says what the targets of its parts would
                label += f", model={run.settings['choices'].get('model')}"
                differing = {key for key in differing if not (key.startswith("model.") and key.endswith("._target_"))}
            unusual = [
                _option_text(run, key, value)
                for key, value in config_key
                if key in differing and not _is_usual(run, key)
            ]
            short[config_key] = ", ".join([label, *unusual])
        for name in set(short.values()):
            same = {config_key: run for config_key, run in by_key.items() if short[config_key] == name}
            own = _told_apart(name, same) if len(same) > 1 else short
            names |= {(data, config_key): own[config_key] for config_key in same}
    return names


def _told_apart(name: str, by_key: dict[ConfigKey, Run]) -> dict[ConfigKey, str]:
    """Append to the name of several config keys what differs among them, a key that only some of them have too."""
    values = {config_key: dict(config_key) for config_key in by_key}
    differing = {
        key for own in values.values() for key in own if len({other.get(key) for other in values.values()}) > 1
    }
    chosen = {config_key: run.settings["choices"] for config_key, run in by_key.items()}
    groups = [*PARTS, *sorted({key.partition(".")[0] for key in differing})]
    parts = [
        part for part in groups if None not in (those := {own.get(part) for own in chosen.values()}) and len(those) > 1
    ]
    names = {}
    for config_key, run in by_key.items():
        options = [f"{part}={chosen[config_key][part]}" for part in parts]
        below = tuple(f"{part.replace('/', '.')}." for part in parts)  # by the option, as far as its file says it
        texts = [
            _option_text(run, key, value)
            for key, value in config_key
            if key in differing and not (key.startswith(below) and _is_usual(run, key))
        ]
        names[config_key] = ", ".join([name, *options, *texts])
    return names


def distinct_names(curves: list[Curve], names: list[str]) -> list[str]:
    """Append to names what differs among their runs: a name is then shared by runs that differ in the seed alone.

    Args:
        curves: The curves.
        names: A name of each.

    Returns:
        The names, each with the data set, latent_dim, learning rate and config keys in which runs of that name differ.
    """
    return [
        ", ".join([name, *_apart(item, [other for other, its in zip(curves, names, strict=True) if its == name])])
        for item, name in zip(curves, names, strict=True)
    ]


def _apart(item: Curve, same: list[Curve]) -> list[str]:
    more = [dataset(item.data)] if len({other.data for other in same}) > 1 else []
    same = [other for other in same if other.data == item.data]  # a data set brings its own sizes
    if len({other.latent_dim for other in same}) > 1:
        more.append(f"latent_dim {item.latent_dim}")
    if len({other.lr for other in same}) > 1:
        more.append(f"learning rate {item.lr}")
    keys = {key: dict(other.config_key).get(key) for other in same for key, _ in other.config_key}
    differing = {key for key in keys if len({dict(other.config_key).get(key) for other in same}) > 1}
    return more + [_key_text(key, value) for key, value in item.config_key if key in differing]


def _is_usual(run: Run, key: str) -> bool:
    """Whether a dotted key of a run has its value in conf/: of the option that was chosen, or of the data set, or of train.yaml."""
    group, *names = key.split(".")
    if names:
        choices = run.settings["choices"]
        option = _option(group, choices.get(group))
        usual, value = option.get(group, option), run.settings.get(group)  # beside keys of other groups, or alone
        if part := choices.get(f"{group}/{names[0]}"):  # instead of the one that the option takes
            usual = usual | {names[0]: _option(f"{group}/{names[0]}", part)}
        for name in names:
            usual, value = (node.get(name) if isinstance(node, dict) else None for node in (usual, value))
    else:
        data = _option("data", run.settings["choices"].get("data"))
        usual = (data if "data" in data else {}).get(key, root_defaults("train").get(key))
        value = run.settings.get(key)
    return usual is not None and usual == value


@cache
def _option(group: str, name: object) -> dict[str, Any]:
    path = CONF / group / f"{name}.yaml"
    content = dict(read_yaml(path) or {}) if path.is_file() else {}
    # What the option takes from a group within its own, as model/encoder: its file does not repeat those values.
    for entry in content.get("defaults", ()):
        for part, chosen in entry.items() if isinstance(entry, dict) else ():
            content.setdefault(part, _option(f"{group}/{part}", chosen))
    return content


def _option_text(run: Run, key: str, value: str) -> str:
    """As `_key_text`; a class is named by the option that was chosen, as optimizer=adam, if the run knows it."""
    group = key.removesuffix("._target_").replace(".", "/")
    option = run.settings["choices"].get(group) if key.endswith("._target_") else None
    return f"{group}={option}" if option else _key_text(key, value)


def _key_text(key: str, value: str) -> str:
    group, _, name = key.partition(".")
    if name == "_target_":
        return value.rpartition(".")[2]
    if name.endswith("._target_"):
        return f"{key.removesuffix('._target_')}={value.rpartition('.')[2]}"
    return f"{group}.{name}={value}" if name else f"{group}={value}"
