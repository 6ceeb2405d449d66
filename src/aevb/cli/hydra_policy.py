"""What a composed config may ask of Hydra itself: configs from strangers are data, also where Hydra reads them.

aevb builds nothing outside its allow-list (aevb.config.instantiate), but Hydra calls what `hydra.callbacks`, its launcher, its sweeper and the
logging nodes name before any of aevb runs, and hands environment variables to child processes. So all of that is checked at the
moment a config is composed. Places to write are given by the person at the keyboard, never by a config.
"""

import re
from collections.abc import Iterator
from functools import wraps
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.conf import HydraConf
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from aevb.config import CONF, allowed, shown, suggestion
from aevb.config.tree import read_yaml
from aevb.errors import UserError

__all__ = ["check", "install"]

PLUGIN = re.compile(r"hydra(\._internal\.core_plugins|_plugins)\.\w+(\.\w+)*\.\w+(Launcher|Sweeper)")
HANDLER = re.compile(r"logging\.(Stream|File|Null)Handler")
STREAM = re.compile(r"ext://sys\.(stdout|stderr)")
INSIDE = re.compile(r"\$\{hydra\.[\w.]+\}")  # not known yet; what it points to is checked itself
CODE = ("callbacks", "launcher", "sweeper", "job_logging", "hydra_logging")
PLACES = ("output_dir", "hydra.run.dir", "hydra.sweep.dir", "hydra.sweep.subdir", "hydra.output_subdir")
KNOWN: Any = OmegaConf.to_container(OmegaConf.structured(HydraConf))
KNOWN["env"] = {}  # added by the group of that name
LOG_FILE = "${hydra.runtime.output_dir}/${hydra.job.name}.log"


def install() -> None:
    """From now on Hydra composes nothing that `check` refuses."""
    compose = ConfigLoaderImpl.load_configuration
    if hasattr(compose, "__wrapped__"):
        return

    @wraps(compose)
    def load_configuration(self: Any, config_name: str | None, overrides: list[str], *rest: Any, **more: Any) -> Any:
        cfg = compose(self, config_name, overrides, *rest, **more)
        check(cfg, config_name or "train", overrides)
        return cfg

    ConfigLoaderImpl.load_configuration = load_configuration  # type: ignore[method-assign]


def check(cfg: DictConfig, config_name: str, overrides: list[str]) -> None:
    """Raises UserError for what no config may ask. overrides: the command line's, which may choose places."""
    for key in CODE:
        for path, value in _values(cfg.hydra[key], f"hydra.{key}"):
            _check_value(path, value)
    if cfg.hydra.job.env_set:
        given = shown(OmegaConf.to_container(cfg.hydra.job.env_set, resolve=False))
        raise UserError(f"hydra.job.env_set={given}: no config sets the environment; allowed: {{}}; try: your shell")
    for key, value, siblings in _unknown(OmegaConf.to_container(cfg.hydra, resolve=False), KNOWN, "hydra"):
        meant = suggestion(key, siblings, [])
        asked = f"; did you mean {meant}?" if meant else ""
        raise UserError(f"{key}={shown(value)}: no such key{asked}; allowed: {', '.join(siblings)}; try: --hydra-help")
    typed = {override.lstrip("+").partition("=")[0] for override in overrides}
    mine = CONF / f"{config_name}.yaml"
    ours = read_yaml(mine if mine.exists() else CONF / "train.yaml")
    for key in PLACES:
        value, default = _raw(cfg, key), _raw(ours, key)
        if value != default and key not in typed:
            raise UserError(
                f"{key}={value}: a place to write that a config has chosen; allowed: {default}, or another on the command "
                f"line; try: {key}={value} there, if that is where you want it"
            )


def _unknown(node: Any, known: Any, path: str) -> Iterator[tuple[str, Any, list[str]]]:
    # What `+` has added, with what there is beside it. Where Hydra itself knows no keys (a launcher's arguments), any may be.
    if isinstance(node, dict) and isinstance(known, dict) and known:
        for key, value in node.items():
            if key not in known:
                yield f"{path}.{key}", value, [str(name) for name in known]
            else:
                yield from _unknown(value, known[key], f"{path}.{key}")


def _check_value(path: str, value: Any) -> None:
    last = path.rpartition(".")[2]
    text = str(value)
    wrong = last == "()"
    wrong |= last == "_target_" and not PLUGIN.fullmatch(text) and not allowed(text)
    wrong |= last == "class" and not HANDLER.fullmatch(text)
    wrong |= "://" in text and not STREAM.fullmatch(text) and path.split(".")[1].endswith("logging")
    wrong |= last == "filename" and text != LOG_FILE
    if wrong:
        raise UserError(
            f"{path}={shown(value)}: no config may have Hydra call or write that; allowed: Hydra's own launchers, sweepers "
            "and log handlers; try: without it"
        )


def _values(node: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Dotted keys and values at any depth, interpolations followed; one that cannot be followed yet as its text."""
    if not OmegaConf.is_config(node):
        yield path, node
        return
    unresolved: Any = OmegaConf.to_container(node, resolve=False)
    for key in list(unresolved) if OmegaConf.is_dict(node) else range(len(unresolved)):
        below = f"{path}.{key}"
        if OmegaConf.is_missing(node, key):
            continue
        raw = unresolved[key]
        if str(key) == "filename":
            yield below, raw
            continue
        try:
            value = node[key]
        except OmegaConfBaseException:
            if re.fullmatch(r"\$\{.*\}", str(raw)) and not INSIDE.fullmatch(str(raw)):
                raise UserError(f"{below}={raw}: cannot be known yet; allowed: a value; try: without it") from None
            value = raw
        yield from _values(value, below)


def _raw(cfg: Any, key: str) -> Any:
    node = OmegaConf.to_container(cfg, resolve=False) if OmegaConf.is_config(cfg) else cfg
    for part in key.split("."):
        node = node.get(part) if isinstance(node, dict) else None
    return node
