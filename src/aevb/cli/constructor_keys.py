"""Overrides of arguments that a YAML does not list: `model.decoder.mean=linear` as well as `+model.decoder.mean=linear`.

Hydra refuses an override of a key that is in no file, unless it begins with `+`. For a node with a `_target_` the
constructor is the schema, so its arguments are keys that exist, whether or not the YAML names them. Any key of a class that is
none of aevb's is added, since aevb.config.validation knows its arguments, and whether it is trusted.
"""

from dataclasses import replace
from functools import wraps
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.override_parser.types import Override, OverrideType
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from aevb.config.signature import signature
from aevb.config.validation import RUNTIME

__all__ = ["install"]


def install() -> None:
    """Patch Hydra so that it adds arguments of constructors; a second call has no effect."""
    apply = ConfigLoaderImpl._apply_overrides_to_config
    if hasattr(apply, "__wrapped__"):
        return

    @wraps(apply)
    def apply_overrides(overrides: list[Override], cfg: DictConfig) -> None:
        chosen = {text.key_or_group: text.value() for text in overrides if text.key_or_group.endswith("._target_")}
        for override in overrides:  # one by one, for each may change the node of the next
            apply([_added(override, cfg, chosen)], cfg)

    ConfigLoaderImpl._apply_overrides_to_config = staticmethod(apply_overrides)  # type: ignore[method-assign]


def _added(override: Override, cfg: DictConfig, chosen: dict[str, Any]) -> Override:
    node, _, name = override.key_or_group.rpartition(".")
    if override.type != OverrideType.CHANGE or not node or override.package is not None:
        return override
    try:
        parent: Any = OmegaConf.select(cfg, node, throw_on_missing=False)
    except OmegaConfBaseException:
        return override
    if not isinstance(parent, DictConfig) or name in parent or "_target_" not in parent:
        return override
    before = parent._get_node("_target_")
    target = str(chosen.get(f"{node}._target_", before._value() if before is not None else ""))
    if not target.startswith("aevb."):
        of_hydra = node.startswith("hydra.")  # its launchers and sweepers have schemas
        return override if of_hydra or name in RUNTIME else replace(override, type=OverrideType.ADD)
    known = signature(target)
    if known is None or name not in known.parameters or (name in RUNTIME and known.parameters[name].required):
        return override  # the program gives it
    return replace(override, type=OverrideType.ADD)
