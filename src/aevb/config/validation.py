"""Is this config one that can run? All faults are told together, before torch is imported.

Keys, types and ranges come from the constructors that the config names (aevb.config.signature) and, for the top level, from
aevb.config.schema. What is returned are plain containers with every interpolation resolved.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from difflib import get_close_matches
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from aevb.config.identity import flatten
from aevb.config.migration import present_argument
from aevb.config.signature import Parameter, Signature, attribute, signature
from aevb.config.tree import allowed, options, root_defaults, targets
from aevb.config.value_types import InvalidValue
from aevb.errors import UserError

__all__ = ["RUNTIME", "ConfigError", "shown", "suggestion", "validate"]

RUNTIME = frozenset({"data_dim", "data_shape", "params", "batch_size", "n_train", "dataset"})
"""Arguments that no config gives: `aevb.config.instantiate.build` is handed them by the program.

data_dim: D, pixels of the data set in use. data_shape: (rows, columns) of an image. params: the optimiser's parameter groups.
batch_size: M. n_train: N of the training split. dataset: the data set object.
"""

INTERPOLATION = re.compile(r"\$\{([\w.]+)\}")
MISSING = "???"


class ConfigError(UserError):
    """Faults of a config, one line each."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


def shown(value: Any) -> str:
    """A value as the command line writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "null"
    if isinstance(value, list):
        return f"[{','.join(map(shown, value))}]"
    if isinstance(value, dict):
        return f"{{{','.join(f'{key}:{shown(item)}' for key, item in value.items())}}}"
    return " ".join(str(value).split())


def suggestion(key: str, siblings: list[str], everywhere: list[str]) -> str | None:
    """The existing dotted key that a mistyped one most likely means: one beside it first, else any in the config."""
    parent, _, name = key.rpartition(".")
    close = get_close_matches(name, siblings, n=1, cutoff=0.7)
    if close:
        return f"{parent}.{close[0]}" if parent else close[0]
    last = {other.rpartition(".")[2]: other for other in sorted(everywhere, key=lambda other: -other.count("."))}
    close = get_close_matches(name, list(last), n=1, cutoff=0.7)
    return last[close[0]] if close else None


def validate(cfg: DictConfig | dict[str, Any], trusted: tuple[str, ...] = (), root: str = "train") -> dict[str, Any]:
    """The settings that `cfg` stands for.

    trusted: users' modules below which a `_target_` may lie. root: train, evaluate or figure, whose top level is checked.
    Raises ConfigError with every fault: `key=value: what is wrong; allowed: ...; try: ...`.
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
    return _Check(root, raw, settings, trusted).run()


class _Check:
    def __init__(self, root: str, raw: Any, settings: Any, trusted: tuple[str, ...]) -> None:
        self.root, self.raw, self.settings, self.trusted = root, raw, settings, trusted
        self.faults: dict[str, str] = {}
        self.keys = [key for key, _ in flatten(settings)]

    def run(self) -> dict[str, Any]:
        top = signature(f"aevb.config.schema.{self.root.capitalize()}")
        assert top is not None
        examples = root_defaults(self.root)
        self.arguments("", self.settings, self.raw, top, examples)
        for key, parameter in top.parameters.items():
            if not parameter.required and parameter.default is not None:  # what is nothing stays absent
                self.settings.setdefault(key, parameter.default)
        for key, value in self.settings.items():
            if isinstance(value, dict) and key in top.parameters:
                nodes = value if key == "evaluator" else {"": value}
                for name, node in nodes.items():
                    path = f"{key}.{name}" if name else key
                    self.group(path, node, self.raw.get(key, {}).get(name) if name else self.raw.get(key))
        if not self.faults and self.root == "train":
            self.combinations()
        if self.faults:
            raise ConfigError(list(self.faults.values()))
        return self.settings

    def fault(self, key: str, wrong: str, value: Any = MISSING, **remedies: str | None) -> None:
        if key in self.faults:
            return
        given = key if value == MISSING else f"{key}={shown(value)}"
        rest = "".join(f"; {name}: {text}" for name, text in remedies.items() if text)
        self.faults[key] = f"{given}: {wrong}{rest}"

    def group(self, path: str, node: Any, raw: Any) -> None:
        if not isinstance(node, dict):
            return
        if "_target_" not in node:
            group = path.split(".")[0]
            self.fault(path, "nothing says what to build (no _target_)", allowed=", ".join(options(group)))
            return
        self.node(path, node, raw)

    def node(self, path: str, node: dict[str, Any], raw: Any) -> None:
        raw = raw if isinstance(raw, dict) else {}
        target = node["_target_"]
        key = f"{path}._target_"
        if not isinstance(target, str) or not allowed(target, self.trusted):
            near = get_close_matches(str(target), targets(), n=1)
            remedy = near[0] if near else "--trust MODULE on the command line for a module of your own"
            rule = "the targets in aevb's conf/"
            self.fault(key, "not a target that a config may name", target, allowed=rule, **{"try": remedy})
            return
        arguments = signature(target, self.trusted)
        if arguments is None:
            self.fault(key, "no such class or function", target, allowed="module.Name whose source can be found")
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
                self.unknown(f"{prefix}{name}", node[name], names)
        for name, parameter in known.parameters.items():
            key = f"{prefix}{name}"
            example = examples.get(name, parameter.default)
            if name not in node:
                if parameter.required and not (path and name in RUNTIME):
                    choices = options(name) if not path else []
                    allowed_here = ", ".join(choices) or str(parameter.kind)
                    self.fault(
                        key, "missing", allowed=allowed_here, **{"try": f"{key}={choices[0] if choices else '...'}"}
                    )
            elif node[name] == MISSING:
                place = "outputs/runs/NAME (aevb-train makes them)" if key == "run" else "..."
                self.fault(key, "missing", allowed=str(parameter.kind), **{"try": f"{key}={place}"})
            else:
                self.value(key, node, name, raw, parameter, example)

    def unknown(self, key: str, value: Any, names: list[str]) -> None:
        if (present := present_argument(key, self.root)) != key:
            self.fault(key, "renamed", value, **{"try": f"{present}={shown(value)}"})
            return
        meant = suggestion(key, names, [other for other in self.keys if other != key])
        remedy = f"{meant}={shown(value)}" if meant else None
        wrong = f"no such key; did you mean {meant}?" if meant else "no such key"
        self.fault(key, wrong, value, allowed=", ".join(names) or "none", **{"try": remedy})

    def value(self, key: str, node: dict[str, Any], name: str, raw: Any, parameter: Parameter, example: Any) -> None:
        value = node[name]
        try:
            node[name] = parameter.kind.read(value)
        except InvalidValue as problem:
            source = INTERPOLATION.fullmatch(str(raw.get(name))) if isinstance(raw, dict) else None
            if source is not None and source[1] in self.faults:
                return  # told where the value comes from
            remedy = parameter.kind.near(value)
            with suppress(InvalidValue):
                remedy = parameter.kind.read(example)
            offer = None if remedy is None else f"{key}={shown(remedy)}"
            self.fault(key, str(problem), value, allowed=str(parameter.kind), **{"try": offer})

    def combinations(self) -> None:
        name, batch_size = self.settings["name"], self.settings["batch_size"]
        if name is not None and not re.fullmatch(r"[A-Za-z0-9][\w.+-]*", name, re.ASCII):
            safe = re.sub(r"[^\w.+-]+", "-", name, flags=re.ASCII).strip("-.") or "run"
            rule = "letters, digits and . _ + -, a letter or digit first"
            self.fault("name", "no name for a folder", name, allowed=rule, **{"try": f"name={safe}"})
        n_train = self.settings["data"].get("n_train")
        if isinstance(n_train, int) and batch_size > n_train:
            bound = f"an integer >= 1 and <= data.n_train={n_train}"
            self.fault(
                "batch_size",
                "more than there are training data",
                batch_size,
                allowed=bound,
                **{"try": "batch_size=100"},
            )
        devices = self.settings["trainer"].get("devices", 1)
        if isinstance(devices, int) and batch_size % devices:
            bound = f"a multiple of trainer.devices={devices}"
            near = max(1, batch_size // devices) * devices
            self.fault(
                "batch_size", "cannot be shared evenly", batch_size, allowed=bound, **{"try": f"batch_size={near}"}
            )
        if isinstance(devices, int) and devices > 1 and self.says("objective", "mean_over_data") is False:
            wrong = (
                f"the loss of {self.named('objective')} is no mean over data, so devices cannot take their shares of it"
            )
            self.fault("trainer.devices", wrong, devices, allowed="1", **{"try": "trainer=default"})
        objective = self.settings["objective"]
        if objective.get("baseline") == "leave_one_out" and objective.get("samples") == 1:
            wrong = "leave_one_out needs other samples of the datapoint"
            self.fault("objective.samples", wrong, 1, allowed="an integer >= 2", **{"try": "objective.samples=5"})
        log_var, over_theta = self.settings["model"].get("theta_log_var"), self.says("objective", "over_theta")
        if over_theta is True and log_var is None:
            wrong = f"{self.named('objective')} needs a q(theta)"
            self.fault("model.theta_log_var", wrong, log_var, allowed="a number", **{"try": "model.theta_log_var=-6"})
        if over_theta is False and log_var is not None:
            wrong = f"{self.named('objective')} trains no q(theta)"
            self.fault("model.theta_log_var", wrong, log_var, allowed="null", **{"try": "objective=full_vb"})
        if self.says("objective", "reparameterised") is True and self.says("model.encoder", "discrete") is True:
            names = self.named("objective"), self.named("model.encoder")
            wrong = f"{names[0]} needs draws with a derivative, and those of {names[1]} have none"
            rule = "score_function, nvil, vimco, arm, wake_sleep, variational_em, exact_bound for latent_dim <= 12"
            self.fault("objective", wrong, names[0], allowed=rule, **{"try": "objective=vimco"})
        if self.says("model.decoder", "unit_interval") is True and self.says("data", "unit_interval") is False:
            wrong = f"needs targets in [0, 1], and those of {self.named('data')} go beyond"
            self.fault("model.decoder", wrong, self.named("model.decoder"), **{"try": "model=gaussian"})
        kind = self.settings["data"].get("targets")
        if self.says("model.decoder", "binary_targets") is True and kind == "grey":
            wrong = f"{self.named('model.decoder')} is a probability of binary images, and of nothing at grey ones"
            self.fault("data.targets", wrong, kind, allowed="dynamic, threshold", **{"try": "data.targets=dynamic"})

    def named(self, path: str) -> str:
        """The class that the node at `path` names, without its module; empty where there is none."""
        return self.target(path).rpartition(".")[2]

    def says(self, path: str, name: str) -> Any:
        """What that class says about itself; what a worker only finds out with torch is told here, where it can be."""
        return attribute(self.target(path), name, self.trusted)

    def target(self, path: str) -> str:
        node = self.settings
        for key in path.split("."):
            node = node.get(key) if isinstance(node, dict) else None
        return str(node.get("_target_", "")) if isinstance(node, dict) else ""
