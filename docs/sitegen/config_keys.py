"""The keys of a YAML of conf/: type, range and meaning, from the signature and the docstring of each target.

The signatures are those that check a config (aevb.config.signature), so what is written here is what is accepted.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from aevb.config.signature import Parameter, signature
from aevb.config.tree import read_yaml
from aevb.config.validation import RUNTIME
from sitegen.docstrings import described
from sitegen.markdown import code, prose
from sitegen.yaml_comments import beside_keys

__all__ = ["Row", "rows_of_option", "rows_of_root"]


class Row(NamedTuple):
    """One key.

    Attributes:
        key: Its dotted name.
        value: Its value in the YAML, or else its default.
        allowed: The values that are allowed.
        meaning: What it means, in Markdown.
    """

    key: str
    value: str
    allowed: str
    meaning: str

    def cells(self) -> tuple[str, str, str, str]:
        """Return the cells of its line in a table."""
        return code(self.key), code(self.value) if self.value else "", self.allowed, self.meaning


def rows_of_root(path: Path, root: str) -> Iterator[Row]:
    """Yield the keys at the top level of conf/<root>.yaml that are no groups."""
    known, comments = signature(f"aevb.config.schema.{root.capitalize()}"), beside_keys(path)
    assert known is not None
    for name, value in read_yaml(path).items():
        if name in known.parameters and not isinstance(value, dict):
            yield _row(name, value, known.parameters[name], comments.get(name, ""))


def rows_of_option(path: Path, group: str) -> Iterator[Row]:
    """Yield the keys of an option of a group.

    Args:
        path: The file.
        group: The group, which is the prefix of its keys unless the file says `@package _global_`.
    """
    package_is_global = path.read_text(encoding="utf-8").startswith("# @package _global_")
    prefix = "" if package_is_global else group.replace("/", ".") + "."
    yield from _rows(prefix, read_yaml(path), beside_keys(path), "")


def _rows(prefix: str, node: dict[str, Any], comments: dict[str, str], path: str) -> Iterator[Row]:
    target = node.get("_target_")
    known = signature(target) if target else None
    meaning = described(target).arguments if target else {}
    parameters = known.parameters if known is not None else {}
    inner = {}
    for name in dict.fromkeys([*parameters, *node]):
        if name in RUNTIME or name in ("defaults", "hydra") or (name.startswith("_") and name.endswith("_")):
            continue
        parameter, value = parameters.get(name), node.get(name)
        if isinstance(value, dict) and value and (parameter is None or "_target_" in value):
            inner[name] = value
            continue
        if name not in node and parameter is not None:
            value = parameter.default
        # Of the comment in the YAML and the docstring, the one that says more.
        text = max(comments.get(f"{path}{name}", ""), meaning.get(name, ""), key=len)
        yield _row(f"{prefix}{name}", value, parameter, text)
    for name, value in inner.items():
        yield from _rows(f"{prefix}{name}.", value, comments, f"{path}{name}.")


def _row(key: str, value: Any, parameter: Parameter | None, meaning: str) -> Row:
    allowed = str(parameter.value_type) if parameter is not None else ""
    return Row(key, _shown(value), allowed, prose(meaning))


def _shown(value: Any) -> str:
    if value is ... or type(value) is object:  # no literal, or no default
        return ""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    return str(list(value) if isinstance(value, tuple) else value)
