"""Composes configs with Hydra, outside `hydra.main`: one config, or every point of a sweep.

A sweep of a thousand points differs from point to point in a few values only. So the YAML files are read and merged once for
each choice of options (data, objective, ...), and a point is a copy of that with its values set.
"""

import copy
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import hydra
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path
from hydra.core.config_search_path import SearchPathQuery
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import SearchPathException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict

from aevb.cli.help_text import list_experiments, list_options
from aevb.config import CONF

__all__ = ["HYDRA_BASE", "PointComposer", "chosen_options", "hydra_session", "register_resolvers", "typed_overrides"]

# Hydra 1.3 asks which version's behaviour is wanted, Hydra 1.4 has deprecated the question.
HYDRA_BASE: dict[str, Any] = {"version_base": "1.3"} if hydra.__version__.startswith("1.3") else {}


def register_resolvers() -> None:
    """Register `${options:...}` and `${experiments:...}` for the help texts in conf/hydra/help."""
    # The method of OmegaConf 2.3; OmegaConf 2.4, which comes with Hydra 1.4, has renamed it.
    register: Any = OmegaConf.register_new_resolver if HYDRA_BASE else OmegaConf.register_resolver
    register("options", list_options, replace=True)
    register("experiments", list_experiments, replace=True)


@contextmanager
def hydra_session(config_dir: str | None = None) -> Iterator[Hydra]:
    """Hydra initialised on conf/, as `hydra.main` would have it.

    Args:
        config_dir: Another directory of configs, searched last (Hydra's flag `--config-dir`).

    Yields:
        The application; `hydra.compose` works as long as the context is open.

    Raises:
        SearchPathException: If `config_dir` is not a directory.
    """
    with hydra.initialize_config_dir(str(CONF), **HYDRA_BASE):
        if config_dir is not None:
            path = os.path.abspath(config_dir)
            if not os.path.isdir(path):
                raise SearchPathException(f"Additional config directory '{path}' not found")
            search_path = create_config_search_path(str(CONF))
            search_path.prepend("command-line", f"file://{path}", SearchPathQuery(provider="schema"))
            GlobalHydra.instance().clear()
            Hydra.create_main_hydra2("aevb", search_path)
        application = GlobalHydra.instance().hydra
        assert application is not None
        yield application


def chosen_options(hydra_node: Any) -> dict[str, Any]:
    """Return the option chosen in each of aevb's groups.

    Args:
        hydra_node: The node `hydra` of a composed config.

    Returns:
        The option by group.
    """
    choices = OmegaConf.to_container(hydra_node.runtime.choices)
    assert isinstance(choices, dict)
    return {str(key): value for key, value in choices.items() if not str(key).startswith("hydra")}


def typed_overrides(hydra_node: Any) -> list[str]:
    """Return the overrides of a command line as they were typed.

    An interpolation among them refers to the config of a job, so it is not resolved here.

    Args:
        hydra_node: The node `hydra` of a composed config.
    """
    return [str(text) for text in OmegaConf.to_container(hydra_node.overrides.task, resolve=False) or ()]


class PointComposer:
    """Composes the points of a sweep.

    Args:
        loader: Hydra's config loader.
        master: The composed config of the sweep itself, with its node `hydra`.
    """

    def __init__(self, loader: ConfigLoaderImpl, master: DictConfig) -> None:
        self.loader, self.master = loader, master
        self._parse = cache(OverridesParser.create(config_loader=loader).parse_override)
        self._composed = cache(self._compose)

    def compose(self, overrides: list[str]) -> tuple[DictConfig, dict[str, Any]]:
        """Compose the config of one point of a sweep.

        An interpolation such as `${hydra:runtime.choices.objective}` refers to the last point that was composed.

        Args:
            overrides: `key=value` each, without sweeps.

        Returns:
            The config without the node `hydra`, and the options that it chose.

        Raises:
            HydraException: If the point cannot be composed.
        """
        parsed = [self._parse(text) for text in overrides]
        groups = tuple(text for text, override in zip(overrides, parsed, strict=True) if self._chooses_option(override))
        template, choices, of_hydra = self._composed(groups)
        HydraConfig.instance().cfg = of_hydra
        cfg = copy.deepcopy(template)
        ConfigLoaderImpl._apply_overrides_to_config(
            [override for override in parsed if not self._chooses_option(override)], cfg
        )
        OmegaConf.set_readonly(cfg, False)
        return cfg, choices

    def _chooses_option(self, override: Override) -> bool:
        # Everything that Hydra handles while it merges files, and not by setting a value afterwards.
        key = override.key_or_group
        elsewhere = self.master.hydra.searchpath  # more directories, whose groups this repository does not know
        return (
            bool(elsewhere)
            or key.startswith("hydra")
            or (self.loader.repository.group_exists(key) and not isinstance(override.value(), dict))
        )

    def _compose(self, groups: tuple[str, ...]) -> tuple[DictConfig, dict[str, Any], Any]:
        of_hydra = OmegaConf.to_container(self.master.hydra.overrides.hydra)
        assert isinstance(of_hydra, list)
        cfg = self.loader.load_configuration(
            str(self.master.hydra.job.config_name), [*of_hydra, *groups], run_mode=RunMode.RUN
        )
        choices = chosen_options(cfg.hydra)
        HydraConfig.instance().set_config(cfg)
        with open_dict(cfg):
            OmegaConf.set_readonly(cfg, False)
            del cfg["hydra"]
        return cfg, choices, HydraConfig.instance().cfg
