"""Checks of the settings for Hydra in a composed config, which may come from an untrusted file.

aevb instantiates only the targets of its allow-list (aevb.config.instantiate). Hydra itself, however, calls
the targets of `hydra.callbacks`, of its launcher, of its sweeper and of the logging nodes before aevb runs,
and it passes environment variables to child processes. These settings are therefore checked when the
config is composed. Output directories may be set on the command line, but not by a config file.
"""

import re
import shlex
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_repository import ConfigRepository
from hydra._internal.hydra import Hydra
from hydra.conf import HydraConf
from hydra.plugins.sweeper import Sweeper
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from aevb.cli import constructor_keys, hydra_files
from aevb.config import CONF, shown, suggestion
from aevb.config.messages import Fault
from aevb.config.signature import signature
from aevb.config.tree import options, read_yaml
from aevb.config.value_types import InvalidValue
from aevb.console.typed import as_typed
from aevb.errors import UserError

__all__ = ["check", "install", "installed", "may_be_sweep"]

PLUGIN = re.compile(r"hydra(\._internal\.core_plugins|_plugins)\.\w+(\.\w+)*\.\w+(Launcher|Sweeper)")
PATH_KEYS = ("output_dir", "hydra.run.dir", "hydra.sweep.dir", "hydra.sweep.subdir", "hydra.output_subdir")
UNUSED = ("hydra.run.dir", "hydra.sweep.dir", "hydra.sweep.subdir", "hydra.output_subdir", "hydra.job.chdir")
OWN_LAUNCHERS = "hydra_plugins.aevb_launchers"
ROOTS = ("train", "evaluate", "figure")
"""Configs of the commands, which have no hydra.mode."""
KNOWN: Any = OmegaConf.to_container(OmegaConf.structured(HydraConf))
KNOWN["env"] = {}  # added by the config group of this name
SILENT: Any = {"version": 1, "root": None, "disable_existing_loggers": False}
CONSOLE: Any = {
    "version": 1,
    "formatters": {"simple": {"format": "[%(asctime)s][HYDRA] %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "simple", "stream": "ext://sys.stdout"}},
    "root": {"level": "WARNING", "handlers": ["console"]},  # torch's own notes at the end are no output of a command
    "loggers": {"hydra": {"level": "INFO"}, "hydra_plugins": {"level": "INFO"}},
    "disable_existing_loggers": False,
}


def install() -> None:
    """Patch Hydra so that it checks every composed config with `check`.

    The files are checked as well (see aevb.cli.hydra_files). A second call has no effect.
    """
    hydra_files.install()
    constructor_keys.install()
    compose = ConfigLoaderImpl.load_configuration
    if hasattr(compose, "__wrapped__"):
        return

    @wraps(compose)
    def load_configuration(self: Any, config_name: str | None, overrides: list[str], *rest: Any, **more: Any) -> Any:
        cfg = compose(self, config_name, overrides, *rest, **more)
        check(cfg, config_name, overrides)
        return cfg

    ConfigLoaderImpl.load_configuration = load_configuration  # type: ignore[method-assign]
    # Hydra composes every point of a sweep once more before it launches them, a quarter of a second each: aevb.cli.sweep has
    # composed and checked all of them by then.
    Sweeper.validate_batch_is_legal = lambda self, batch: None  # type: ignore[method-assign]
    look_for_mode = Hydra.get_mode

    @wraps(look_for_mode)
    def get_mode(self: Any, config_name: str | None, overrides: list[str], *rest: Any, **more: Any) -> Any:
        # Hydra composes the config once for this question alone. None: no config has a mode.
        own_folder = any(one.provider == "command-line" for one in self.config_loader.get_search_path().get_path())
        if not own_folder and config_name in ROOTS and not may_be_sweep(overrides):
            return None
        return look_for_mode(self, config_name, overrides, *rest, **more)

    Hydra.get_mode = get_mode  # type: ignore[method-assign]


def may_be_sweep(overrides: Iterable[str]) -> bool:
    """Return whether a command line without -m may be a sweep.

    Only an experiment, or a setting of Hydra's own, makes it one; nothing else is composed twice to see.

    Args:
        overrides: The overrides of the command line.
    """
    keys = {override.lstrip("+~").partition("=")[0] for override in overrides}
    return any(key.startswith(("experiment", "hydra")) for key in keys)


@contextmanager
def installed() -> Iterator[None]:
    """Hydra checks configs as `install` has it, and afterwards is as it was: for a process that uses Hydra itself."""
    patched = (
        (ConfigLoaderImpl, "load_configuration"),
        (ConfigLoaderImpl, "_load_single_config"),
        (ConfigLoaderImpl, "_apply_overrides_to_config"),
        (ConfigRepository, "initialize_sources"),
        (ConfigRepository, "load_config"),
        (Hydra, "get_mode"),
        (Sweeper, "validate_batch_is_legal"),
    )
    before = [(owner, name, vars(owner)[name]) for owner, name in patched]
    install()
    try:
        yield
    finally:
        for owner, name, function in before:
            setattr(owner, name, function)


def check(cfg: DictConfig, config_name: str | None, overrides: list[str]) -> None:
    """Check the settings for Hydra and replace the nodes that Hydra instantiates by plain values.

    Args:
        cfg: The composed config; it is changed.
        config_name: The name of the primary config; None for the config of Hydra alone, as `--hydra-help` has it.
        overrides: The overrides of the command line, which may set output directories.

    Raises:
        UserError: If a setting is not allowed.
    """
    if cfg.hydra.job.env_set:  # shows only names: env_copy has added values of the environment
        names = ",".join(str(name) for name in cfg.hydra.job.env_set)
        raise UserError(
            f"hydra.job.env_set={{{names}}}: no config sets the environment; allowed: {{}}; try: your shell"
        )
    if raw := OmegaConf.to_container(cfg.hydra, resolve=False).get("callbacks"):  # type: ignore[union-attr]
        path, value = next(hydra_files.leaves(raw, ("hydra", "callbacks")))
        raise _called(".".join(path), value)
    _freeze(cfg)
    _check_launcher(cfg.hydra.launcher)
    for key, value, siblings in _unknown(OmegaConf.to_container(cfg.hydra, resolve=False), KNOWN, "hydra"):
        meant = suggestion(key, siblings, [])
        question = f"; did you mean {meant}?" if meant else ""
        raise UserError(
            f"{key}={shown(value)}: no such key{question}; allowed: {', '.join(siblings)}; try: --hydra-help"
        )
    _check_overrides(overrides)
    _check_paths(cfg, config_name, overrides)


def _check_overrides(overrides: list[str]) -> None:
    for override in overrides:  # data=[digits,mnist]: Hydra merges them, and no name is known
        group, _, value = override.lstrip("+").partition("=")
        if value.startswith("[") and group != "evaluator" and options(group):
            near = "many" if group == "logger" else value.strip("[]").split(",")[0].strip() or options(group)[0]
            raise UserError(f"{override}: a list; allowed: one option of {group}; try: {group}={near}")
    for override in overrides:
        if match := re.search(r"\$\{hydra:job\.(num|id)\}", override):
            typed = shlex.quote(override.lstrip("+").replace(match[0], "${seed}"))
            raise UserError(
                f"{override}: the same run has another number in another sweep; allowed: keys of the config; try: {typed}"
            )
    for override in overrides:
        key, _, value = override.lstrip("+~").partition("=")
        if key in UNUSED:
            raise UserError(
                f"{key}={value}: Hydra's folder of a run, in which aevb writes nothing; allowed: output_dir and name; "
                f"try: {shlex.quote('output_dir=' + (value or 'DIR'))}"
            )


def _check_paths(cfg: DictConfig, config_name: str | None, overrides: list[str]) -> None:
    typed = {override.lstrip("+").partition("=")[0] for override in overrides}
    config_file = CONF / f"{config_name}.yaml"
    own_settings = read_yaml(config_file if config_file.exists() else CONF / "train.yaml")
    for key in PATH_KEYS if config_name else ():
        value, default = _raw(cfg, key), _raw(own_settings, key)
        if value != default and key not in typed:
            raise UserError(
                f"{key}={value}: a place to write that a config has chosen; allowed: {default}, or another on the command "
                f"line; try: {as_typed(key, str(value))} there, if that is where you want it"
            )


def _unknown(node: Any, known: Any, path: str) -> Iterator[tuple[str, Any, list[str]]]:
    # The keys added with `+`, each with its known siblings. Any key is allowed where Hydra defines none
    # (the arguments of a launcher).
    if isinstance(node, dict) and isinstance(known, dict) and known:
        for key, value in node.items():
            if key not in known:
                yield f"{path}.{key}", value, [str(name) for name in known]
            else:
                yield from _unknown(value, known[key], f"{path}.{key}")


def _freeze(cfg: DictConfig) -> None:
    """Replace the nodes that Hydra instantiates by checked plain values; nothing is resolved later."""
    unresolved: Any = OmegaConf.to_container(cfg.hydra, resolve=False)
    with open_dict(cfg.hydra):
        for key in ("launcher", "sweeper"):
            plain = _resolved(cfg.hydra[key], f"hydra.{key}") if unresolved[key] else unresolved[key]
            for path, value in hydra_files.leaves(plain):
                if path[-1:] == ("_target_",) and (len(path) > 1 or not PLUGIN.fullmatch(str(value))):
                    raise _called(".".join(("hydra", key, *path)), value)
            cfg.hydra[key] = plain
        # Logging is always that of aevb, because a handler may name a class or a file.
        cfg.hydra.job_logging = SILENT
        cfg.hydra.hydra_logging = SILENT if unresolved["hydra_logging"] == SILENT else CONSOLE


def _check_launcher(launcher: Any) -> None:
    # Hydra builds a launcher only after every point was checked, and with whatever value it is given.
    arguments = signature(str(launcher._target_), (OWN_LAUNCHERS,)) if launcher else None
    if arguments is None or not str(launcher._target_).startswith(OWN_LAUNCHERS):
        return
    for name, parameter in arguments.parameters.items():
        if name in launcher:
            try:
                parameter.value_type.read(launcher[name])
            except InvalidValue as problem:
                key, remedy = f"hydra.launcher.{name}", shown(parameter.default)
                allowed = str(parameter.value_type)
                raise UserError(str(Fault(key, str(problem), launcher[name], allowed, f"{key}={remedy}"))) from None


def _resolved(node: Any, path: str) -> Any:
    try:
        return OmegaConf.to_container(node, resolve=True, enum_to_str=True)
    except OmegaConfBaseException as error:
        key = getattr(error, "full_key", None) or path
        raise UserError(f"{key}: cannot be known yet; allowed: a value; try: without it") from None


def _called(path: str, value: Any) -> UserError:
    return UserError(
        f"{path}={shown(value)}: no config may have Hydra call that; allowed: Hydra's own launchers and sweepers; "
        "try: without it"
    )


def _raw(cfg: Any, key: str) -> Any:
    node = OmegaConf.to_container(cfg, resolve=False) if OmegaConf.is_config(cfg) else cfg
    for part in key.split("."):
        node = node.get(part) if isinstance(node, dict) else None
    return node
