"""Overrides of arguments that a YAML does not list: `model.decoder.mean=linear` as well as `+model.decoder.mean=linear`.

Hydra refuses an override of a key that is in no file, unless it begins with `+`. For a node with a `_target_` of aevb the
constructor is the schema, so its arguments are keys that exist, whether or not the YAML names them.
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
        for override in overrides:  # one by one, for each may change the node of the next
            apply([_added(override, cfg)], cfg)

    ConfigLoaderImpl._apply_overrides_to_config = staticmethod(apply_overrides)  # type: ignore[method-assign]


def _added(override: Override, cfg: DictConfig) -> Override:
    node, _, name = override.key_or_group.rpartition(".")
    if override.type != OverrideType.CHANGE or not node or override.package is not None:
        return override
    try:
        parent: Any = OmegaConf.select(cfg, node, throw_on_missing=False)
    except OmegaConfBaseException:
        return override
    if not isinstance(parent, DictConfig) or name in parent or "_target_" not in parent:
        return override
    target = parent._get_node("_target_")
    known = signature(str(target._value())) if target is not None else None
    if known is None or name not in known.parameters or name in RUNTIME:
        return override
    return replace(override, type=OverrideType.ADD)
