"""Names of methods in figures: the objective, and the config keys in which the methods differ."""

from collections import Counter
from functools import cache
from typing import Any

from aevb.config import CONF
from aevb.config.tree import read_yaml, root_defaults
from aevb.figures.common.learning_curves import ConfigKey, Curve
from aevb.figures.common.style import dataset, method
from aevb.runs.run import Run

__all__ = ["distinct_names", "labels"]


def labels(curves: list[Curve]) -> dict[tuple[str, ConfigKey], str]:
    """Name every config key by its method and by the keys in which it differs from the others.

    The model is named if there are several. A key with its default value, of conf/train.yaml or of an option in conf/, is
    left out, unless two config keys would then have the same name.

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
        full, short = {}, {}
        for config_key, run in by_key.items():
            label = method(str(run.settings["choices"]["objective"])).label
            if len(models) > 1:  # which says what the targets of its parts would
                label += f", model={run.settings['choices'].get('model')}"
                differing = {key for key in differing if not (key.startswith("model.") and key.endswith("._target_"))}
            texts = {key: _key_text(key, value) for key, value in config_key if key in differing}
            full[config_key] = ", ".join([label, *texts.values()])
            unusual = [text for key, text in texts.items() if not _is_usual(run, key)]
            short[config_key] = ", ".join([label, *unusual])
        once = Counter(short.values())
        names |= {
            (data, config_key): short[config_key] if once[short[config_key]] == 1 else full[config_key]
            for config_key in by_key
        }
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
        option = _option(group, run.settings["choices"].get(group))
        usual, value = option.get(group, option), run.settings.get(group)  # beside keys of other groups, or alone
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


def _key_text(key: str, value: str) -> str:
    group, _, name = key.partition(".")
    if name == "_target_":
        return value.rpartition(".")[2]
    if name.endswith("._target_"):
        return f"{key.removesuffix('._target_')}={value.rpartition('.')[2]}"
    return f"{group}.{name}={value}" if name else f"{group}={value}"
