"""Check a config before torch is imported, and report all of its faults together.

Keys, types and ranges come from the constructors that the config names (aevb.config.signature) and, for the top level, from
aevb.config.schema. What is returned are plain containers with every interpolation resolved.
"""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from difflib import get_close_matches
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from aevb.config.combinations import RULES
from aevb.config.compound_types import Mapping
from aevb.config.identity import flatten
from aevb.config.messages import MISSING, TRUST, ConfigError, Fault, suggestion, typed_setting
from aevb.config.migration import present_argument
from aevb.config.resolved import Settings
from aevb.config.signature import Parameter, Signature, defined, signature
from aevb.config.tree import CONF, GROUPS_WITHIN, allowed, options, read_yaml, root_defaults, targets
from aevb.config.value_types import SYNONYMS, Choice, InvalidValue, ValueType
from aevb.errors import SURROGATES

__all__ = ["RUNTIME", "validate"]

RUNTIME = frozenset({"data_dim", "data_shape", "params", "batch_size", "n_train", "dataset", "num_classes"})
"""Arguments that the program gives, and no config: see `aevb.config.instantiate`.

data_dim: D, the number of pixels. data_shape: (rows, columns) of an image. params: the parameter groups of the optimizer.
batch_size: M. n_train: N of the training split. dataset: the data set object. num_classes: C, of a conditional model.
"""

PATHS = frozenset({"output_dir", "run", "runs"})
"""Keys at the top level whose `~` is expanded; those of data are expanded where files are read."""

INTERPOLATION = re.compile(r"\$\{([\w.]+)\}")


def validate(
    cfg: DictConfig | dict[str, Any],
    trusted: tuple[str, ...] = (),
    root: str = "train",
    overrides: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Check a composed config and return its settings.

    Args:
        cfg: The config, with interpolations.
        trusted: Users' modules whose objects a `_target_` may name.
        root: Primary config whose top level is checked: "train", "evaluate" or "figure".
        overrides: What the user has typed, `key=value` each; messages tell it from the defaults.

    Returns:
        Plain containers with every interpolation resolved and numbers of the types that the constructors want.

    Raises:
        ConfigError: With one line for every fault, `key=value: what is wrong; allowed: ...; try: ...`.
    """
    config = cfg if isinstance(cfg, DictConfig) else OmegaConf.create(cfg)
    raw = OmegaConf.to_container(config, resolve=False)
    try:
        settings = OmegaConf.to_container(config, resolve=True)
    except OmegaConfBaseException as error:
        reason = str(error).splitlines()[0]
        raise ConfigError([f"{error.full_key}: {reason}; try: --cfg job, which shows all keys"]) from error
    assert isinstance(settings, dict)
    settings.pop("choices", None)
    return _Check(root, raw, settings, trusted, overrides).run()


class _Check:
    """The check of one config. Faults are collected by their key, of which the first one counts."""

    def __init__(
        self, root: str, raw: Any, settings: Any, trusted: tuple[str, ...], overrides: tuple[str, ...]
    ) -> None:
        self.root, self.raw, self.trusted = root, raw, trusted
        self.settings: dict[str, Any] = settings
        pairs = [text.lstrip("+").partition("=")[::2] for text in overrides]
        self.typed = {key for key, _ in pairs}
        self.typed_nodes = tuple(f"{key}." for key, value in pairs if value.startswith("{"))
        self.faults: dict[str, str] = {}
        self.keys = [key for key, _ in flatten(settings)]

    def run(self) -> dict[str, Any]:
        top = signature(f"aevb.config.schema.{self.root.capitalize()}")
        assert top is not None
        examples = root_defaults(self.root)
        self.arguments("", self.settings, self.raw, top, examples)
        for key, value in flatten(self.settings):
            if self.root == "train" and isinstance(value, str) and SURROGATES.search(value):
                self.fault(key, "not UTF-8, so no config can hold it", value, "text in UTF-8", f"{key}=another_name")
        for key in PATHS & self.settings.keys():
            if isinstance(self.settings[key], str):
                self.settings[key] = os.path.expanduser(self.settings[key])
                if not self.settings[key]:  # as of a variable of the shell that is not set
                    self.fault(key, "empty", "", "a folder", f"{key}=.")
        for key, parameter in top.parameters.items():
            if not parameter.required and parameter.default is not None:  # a default of null stays absent
                self.settings.setdefault(key, parameter.default)
        for key, value in self.settings.items():
            if isinstance(value, dict) and key in top.parameters:
                nodes = value if key == "evaluator" else {"": value}
                for name, node in nodes.items():
                    path = f"{key}.{name}" if name else key
                    self.group(path, node, self.raw.get(key, {}).get(name) if name else self.raw.get(key))
        if not self.faults and self.root == "train":
            for rule in RULES:
                for fault in rule(Settings(self.settings, self.trusted)):
                    self.faults.setdefault(fault.key, str(fault))
        if self.faults:
            raise ConfigError(list(self.faults.values()))
        return self.settings

    def fault(self, key: str, wrong: str, value: Any = MISSING, allowed: str = "", remedy: str | None = None) -> None:
        self.faults.setdefault(key, str(Fault(key, wrong, value, allowed, remedy or "")))

    def group(self, path: str, node: Any, raw: Any) -> None:
        if not isinstance(node, dict):
            return
        if "_target_" not in node:
            group, _, name = path.partition(".")
            known = options(group)
            near = get_close_matches(name, known, n=1) or known[:1]
            remedy, wrong = "".join(f"{group}={option}" for option in near), "nothing says what to build (no _target_)"
            if name:  # one of several: settings of an option that is not among the chosen ones
                chosen = [other for other, built in self.settings[group].items() if "_target_" in built]
                remedy = f"'{group}=[{','.join([*chosen, *near])}]', or '~{path}'"
                wrong = f"settings of an option that {group} does not name"
            self.fault(path, wrong, allowed=", ".join(known), remedy=remedy)
            return
        self.node(path, node, raw)

    def node(self, path: str, node: dict[str, Any], raw: Any) -> None:
        raw = raw if isinstance(raw, dict) else {}
        target = node["_target_"]
        key = f"{path}._target_"
        if isinstance(target, str) and target in self.trusted:
            known = defined(f"{target}.", self.trusted) or [f"{target}.NAME"]
            self.fault(key, "names a module and not a class", target, ", ".join(known), f"{key}={known[-1]}")
            return
        if not isinstance(target, str) or not allowed(target, self.trusted):
            near = get_close_matches(str(target), targets(), n=1)
            remedy = near[0] if near else TRUST
            rule = "the targets in aevb's conf/"
            self.fault(key, "not a target that a config may name", target, allowed=rule, remedy=remedy)
            return
        arguments = signature(target, self.trusted)
        if arguments is None:
            near = get_close_matches(target, defined(target, self.trusted), n=1)
            meant = f"{key}={near[0]}" if near else None
            self.fault(key, "no such class or function", target, "module.Name whose source can be found", meant)
            return
        self.arguments(path, node, raw, arguments, {})
        for name, value in node.items():
            if f"{path}.{name}" not in self.faults:
                self.nested(f"{path}.{name}", value, raw.get(name))

    def nested(self, path: str, value: Any, raw: Any) -> None:
        if isinstance(value, dict) and "_target_" in value:
            self.node(path, value, raw)
        elif isinstance(value, dict | list):
            pairs: Iterator[tuple[Any, Any]] = iter(value.items() if isinstance(value, dict) else enumerate(value))
            for key, item in pairs:
                below = raw[key] if isinstance(raw, type(value)) and type(raw) is type(value) else None
                self.nested(f"{path}.{key}", item, below)

    def arguments(self, path: str, node: dict[str, Any], raw: Any, known: Signature, examples: dict[str, Any]) -> None:
        prefix = f"{path}." if path else ""
        names = [name for name in known.parameters if name not in RUNTIME or not path]
        for name in node:
            if name != "_target_" and name not in known.parameters and not known.open:
                self.unknown(f"{prefix}{name}", node[name], {other: known.parameters[other] for other in names})
        for name, parameter in known.parameters.items():
            key = f"{prefix}{name}"
            example = examples.get(name, parameter.default)
            if name not in node:
                if parameter.required and not (path and name in RUNTIME):
                    choices = options(name) if not path else []
                    allowed_here = ", ".join(choices) or str(parameter.value_type)
                    self.fault(key, "missing", allowed=allowed_here, remedy=f"{key}={choices[0] if choices else '...'}")
            elif node[name] == MISSING:
                self.fault(key, "missing", allowed=str(parameter.value_type), remedy=_sample(key))
            else:
                self.value(key, node, name, raw, parameter, example)

    def unknown(self, key: str, value: Any, beside: dict[str, Parameter]) -> None:
        if (present := present_argument(key, self.root)) != key:
            self.fault(key, "renamed", value, remedy=typed_setting(present, value))
            return
        parent = f"{key.rpartition('.')[0]}." if "." in key else ""
        if f"{parent}_target_" in self.typed and key not in self.typed:  # of the class that was there before
            wrong = "a default, and no such key of the _target_ that you chose"
            self.fault(key, wrong, value, allowed=", ".join(beside) or "none", remedy=f"'~{key}'")
            return
        from_file = bool(parent and self.typed) and key not in self.typed and not key.startswith(self.typed_nodes)
        if from_file and not get_close_matches(key.removeprefix(parent), beside, n=1, cutoff=0.7):
            if key == "model.encoder.variance" and value == 0:  # of objective=autoencoder, which refuses all others
                node = self.settings["model"]["encoder"]
                of_group = {
                    read_yaml(CONF / f"model/encoder/{name}.yaml")["_target_"] for name in options("model/encoder")
                }
                to_try = "model/encoder=gaussian" if node["_target_"] in of_group else "model=bernoulli"
                wrong = "the objective needs a point for q(z|x), and this encoder has none"
                own = "the encoders of model=bernoulli, gaussian, convolutional and conditional"
                self.fault(key, wrong, value, own, to_try)
                return
            wrong = "set by a file, and no such key of its _target_"
            self.fault(key, wrong, value, allowed=", ".join(beside) or "none", remedy=f"'~{key}'")
            return
        meant = suggestion(key, list(beside), [other for other in self.keys if other != key])
        types = {f"{parent}{name}": parameter.value_type for name, parameter in beside.items()}
        offered = value
        if meant in types and not _reads(types[meant], value):  # trainer.device=gpu is trainer.accelerator=gpu
            offered = SYNONYMS.get(str(value), value)
            choices = [other for other, kind in types.items() if isinstance(kind, Choice) and _reads(kind, offered)]
            meant = choices[0] if len(choices) == 1 else meant
        remedy = typed_setting(meant, offered) if meant in types and _reads(types[meant], offered) else None
        wrong = f"no such key; did you mean {meant}?" if meant else "no such key"
        self.fault(key, wrong, value, allowed=", ".join(beside) or "none", remedy=remedy)

    def value(self, key: str, node: dict[str, Any], name: str, raw: Any, parameter: Parameter, example: Any) -> None:
        value = node[name]
        if isinstance(parameter.value_type, Mapping) and isinstance(value, dict):
            node[name] = self.entries(key, value, parameter.value_type.value_type)
            return
        try:
            node[name] = parameter.value_type.read(value)
        except InvalidValue as problem:
            source = INTERPOLATION.fullmatch(str(raw.get(name))) if isinstance(raw, dict) else None
            if source is None or source[1] not in self.faults:  # else reported at the key that the value comes from
                self.invalid(key, value, str(problem), parameter.value_type, example)

    def invalid(self, key: str, value: Any, wrong: str, kind: ValueType, example: Any) -> None:
        if isinstance(value, str) and value in (names := options(key)):  # in a YAML; Hydra reads the command line's
            remedy = f"in a YAML: defaults: [override /{key}: {value}]"
            self.fault(key, "the name of an option, which only defaults take", value, ", ".join(names), remedy)
            return
        if (group := key.replace(".", "/")) in GROUPS_WITHIN:  # model.encoder=gamma
            names = options(group)
            near = get_close_matches(str(value), names, n=1, cutoff=0.5) or names
            self.fault(key, wrong, value, ", ".join(names), f"{group}={near[0]}")
            return
        if example == MISSING:  # run=null
            self.fault(key, wrong, value, allowed=str(kind), remedy=_sample(key))
            return
        offered = kind.near(value)
        with suppress(InvalidValue):
            offered = kind.read(example)
        if isinstance(kind, Choice) and (synonym := SYNONYMS.get(str(value))):
            with suppress(InvalidValue):
                offered = kind.read(synonym)
        offer = typed_setting(key, offered) if offered is not None or _reads(kind, None) else None
        self.fault(key, wrong, value, allowed=str(kind), remedy=offer)

    def entries(self, key: str, entries: dict[str, Any], value_type: ValueType) -> dict[str, Any]:
        read = {}
        for name, entry in entries.items():  # evaluator.importance=null
            try:
                read[str(name)] = value_type.read(entry)
            except InvalidValue as problem:
                remedy = f"'~{key}.{name}', which removes it"
                self.fault(f"{key}.{name}", str(problem), entry, allowed=str(value_type), remedy=remedy)
        return read


def _sample(key: str) -> str:
    # What to try for a value that must be given.
    return f"{key}=outputs/runs/NAME (aevb-train makes them)" if key == "run" else f"{key}=..."


def _reads(value_type: ValueType, value: Any) -> bool:
    try:
        value_type.read(value)
    except InvalidValue:
        return False
    return True
