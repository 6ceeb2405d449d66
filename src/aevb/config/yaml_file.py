"""YAML files read by libyaml, with the rules of OmegaConf.

OmegaConf parses with PyYAML's Python code, which takes about 45 ms for the config of one run; libyaml takes 2 ms. The resolvers
and constructors are OmegaConf's own (1e-8 is a number, a date is text, a repeated key is an error), so the values are the same.
"""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

try:
    from omegaconf._utils import get_yaml_loader
except ImportError:  # OmegaConf 2.4 has moved it
    from omegaconf._yaml import get_yaml_loader  # type: ignore[no-redef]

__all__ = ["load_yaml"]

REFUSED = tuple(f"tag:yaml.org,2002:{name}" for name in ("set", "omap", "pairs", "timestamp"))
"""Types that a config cannot hold."""


def load_yaml(path: Path) -> Any:
    """Read a YAML file as plain containers; interpolations stay text.

    Args:
        path: The file to read, UTF-8.

    Returns:
        What the file holds: nested dicts, lists and scalars; None for an empty file.

    Raises:
        yaml.YAMLError: If the file is not valid YAML, or repeats a key.
        OSError: If the file cannot be read.
        ValueError: If the file is not UTF-8.
    """
    with path.open(encoding="utf-8") as file:
        return yaml.load(file, Loader=_loader())


@cache
def _loader() -> Any:
    reference = get_yaml_loader()
    parser = getattr(yaml, "CSafeLoader", None)  # absent where PyYAML was built without libyaml
    if parser is None:
        return reference

    class Loader(parser):  # type: ignore[misc,valid-type]
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
