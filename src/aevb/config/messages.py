"""Error messages about a config: `key=value: what is wrong; allowed: ...; try: ...`, one line for each fault."""

import re
import shlex
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from aevb.console.typed import as_typed
from aevb.errors import UserError

__all__ = ["LITERAL", "MISSING", "TRUST", "ConfigError", "Fault", "shown", "suggestion", "typed_setting"]

MISSING = "???"
"""OmegaConf's mark of a value that must be given."""

TRUST = '--trust MODULE on the command line, or trusted=("MODULE",) in Python, for a module of your own'
"""What lets a config name a class that is none of aevb's: a config is checked in the same way from both."""

KEYS_ELSEWHERE = {
    "hidden_size": "hidden_dim",
    "hidden_units": "hidden_dim",
    "k": "objective.samples",
    "l": "objective.samples",
    "latent_size": "latent_dim",
    "latents": "latent_dim",
    "learning_rate": "optimizer.lr",
    "minibatch_size": "batch_size",
    "n_hidden": "hidden_dim",
    "n_latent": "latent_dim",
    "n_z": "latent_dim",
    "random_seed": "seed",
    "random_state": "seed",
    "z_dim": "latent_dim",
    "z_size": "latent_dim",
}
"""Keys of aevb by their names in other programs and in papers, in lower case."""

LITERAL = re.compile(r"[+-]?(\d[\d_]*\.?\d*|\.\d+)(e[+-]?\d+)?|true|false|null|nan|inf", re.IGNORECASE)
"""Text that YAML reads as a number, a truth value or null."""


class ConfigError(UserError):
    """Faults of a config, one line each.

    Args:
        faults: The lines.
    """

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass(frozen=True)
class Fault:
    """What is wrong with one key.

    Args:
        key: Dotted key.
        wrong: What is wrong.
        value: The given value; MISSING where there is none.
        allowed: What is allowed; "" leaves it out.
        remedy: What to try, as it is typed on the command line; "" leaves it out.
    """

    key: str
    wrong: str
    value: Any = MISSING
    allowed: str = ""
    remedy: str = ""

    def __str__(self) -> str:
        assignment = self.key if self.value == MISSING else f"{self.key}={shown(self.value)}"
        allowed = f"; allowed: {self.allowed}" if self.allowed else ""
        remedy = f"; try: {self.remedy}" if self.remedy else ""
        return f"{assignment}: {self.wrong}{allowed}{remedy}"


def shown(value: Any) -> str:
    """Return a value as the command line writes it; text that looks like another value is in quotes.

    Args:
        value: Any value of a config.
    """
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "null"
    if isinstance(value, list):
        return f"[{','.join(map(shown, value))}]"
    if isinstance(value, dict):
        return f"{{{','.join(f'{key}:{shown(item)}' for key, item in value.items())}}}"
    return _shown_text(value) if isinstance(value, str) else " ".join(str(value).split())


@lru_cache(maxsize=8192)  # thousands of runs have the same few hundred texts
def _shown_text(value: str) -> str:
    text = " ".join(value.split())
    return f"'{text}'" if LITERAL.fullmatch(text) else text


def typed_setting(key: str, value: Any) -> str:
    """Return `key=value` as it is typed in a shell.

    Args:
        key: A dotted key.
        value: Any value of a config.
    """
    return as_typed(key, value) if isinstance(value, str) else shlex.quote(f"{key}={shown(value)}")


def suggestion(key: str, siblings: list[str], everywhere: list[str]) -> str | None:
    """Return the existing key that a mistyped one, or one of another program, most likely means.

    Args:
        key: The dotted key that was typed.
        siblings: Names of the keys beside it, which are preferred.
        everywhere: All dotted keys of the config.

    Returns:
        A dotted key, or None if nothing is close.
    """
    parent, _, name = key.rpartition(".")
    if name.startswith("_"):  # a word of Hydra's, as _args_
        return None
    if (known := KEYS_ELSEWHERE.get(name.lower())) in everywhere:
        return known
    last = {other.rpartition(".")[2]: other for other in sorted(everywhere, key=lambda other: -other.count("."))}
    if name in last:
        group = f"{key.partition('.')[0]}."  # evaluator.importance.samples, and not objective.samples
        near = [other for other in everywhere if other.startswith(group) and other.endswith(f".{name}")]
        return near[0] if "." in key and near else last[name]
    close = get_close_matches(name, siblings, n=1, cutoff=0.7)
    if close:
        return f"{parent}.{close[0]}" if parent else close[0]
    close = get_close_matches(name, list(last), n=1, cutoff=0.7)
    return last[close[0]] if close else None
