"""YAML files read by libyaml, with the rules of OmegaConf.

OmegaConf parses with PyYAML's Python code, which takes about 45 ms for the config of one run; libyaml takes 2 ms. The resolvers
and constructors are OmegaConf's own (1e-8 is a number, a date is text, a repeated key is an error), so the values are the same.
"""

from functools import cache
from typing import Any

import yaml

try:
    from omegaconf._utils import get_yaml_loader
except ImportError:  # OmegaConf 2.4 has moved it
    from omegaconf._yaml import get_yaml_loader  # type: ignore[no-redef]

__all__ = ["parse_yaml"]

MAX_DEPTH = 64
"""Nesting of a config; ours have seven levels."""

REFUSED = tuple(f"tag:yaml.org,2002:{name}" for name in ("set", "omap", "pairs", "timestamp"))
"""Types that a config cannot hold."""


def parse_yaml(text: str) -> Any:
    """Parse YAML as plain containers; interpolations stay text.

    Args:
        text: The text of a file, of a bounded length.

    Returns:
        What the file holds: nested dicts, lists and scalars; None for an empty file.

    Raises:
        yaml.YAMLError: If the text is not valid YAML, repeats a key, uses an alias (with which a few lines stand for
            billions of values), or is nested more than 64 levels deep.
        ValueError: If a scalar cannot be read.
    """
    return yaml.load(text, Loader=_loader())


def _check_nodes(root: yaml.Node) -> None:
    # Before anything is constructed. A node that is met twice was reached by an alias.
    seen: set[int] = set()
    level = [root]
    for _ in range(MAX_DEPTH):
        below: list[yaml.Node] = []
        for node in level:
            if isinstance(node, yaml.ScalarNode):
                continue  # libyaml may share scalars
            if id(node) in seen:
                raise yaml.composer.ComposerError(None, None, "an alias, which a config never has", node.start_mark)
            seen.add(id(node))
            children = node.value
            below += [part for pair in children for part in pair] if isinstance(node, yaml.MappingNode) else children
        if not below:
            return
        level = below
    raise yaml.composer.ComposerError(None, None, f"nested more than {MAX_DEPTH} levels deep", root.start_mark)


@cache
def _loader() -> Any:
    reference = get_yaml_loader()
    parser = getattr(yaml, "CSafeLoader", None)  # absent where PyYAML was built without libyaml
    parser = parser or yaml.SafeLoader

    class Loader(parser):  # type: ignore[misc,valid-type]
        def get_single_data(self) -> Any:
            node = self.get_single_node()
            if node is None:
                return None
            _check_nodes(node)
            return self.construct_document(node)

        # The check for repeated keys that OmegaConf's loader makes; its method cannot be borrowed, as it names its own class.
        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> Any:
            keys = set()
            for key, _ in node.value:
                if key.tag == yaml.resolver.BaseResolver.DEFAULT_SCALAR_TAG:
                    if key.value in keys:
                        raise yaml.constructor.ConstructorError(
                            "while constructing a mapping",
                            node.start_mark,
                            f"found duplicate key {key.value}",
                            key.start_mark,
                        )
                    keys.add(key.value)
            return super().construct_mapping(node, deep=deep)

    Loader.yaml_implicit_resolvers = reference.yaml_implicit_resolvers
    Loader.yaml_constructors = {tag: make for tag, make in reference.yaml_constructors.items() if tag not in REFUSED}
    return Loader
