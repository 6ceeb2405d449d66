"""The configuration: what may be written in it, whether it can run, and when two of them are the same experiment.

Standard library and OmegaConf only; neither torch nor what a config names is imported.
"""

from aevb.config.combinations import warnings
from aevb.config.identity import difference, fingerprint, fingerprint_of_numbers, flatten, numbers_of, run_name
from aevb.config.messages import ConfigError, shown, suggestion
from aevb.config.resolved import label_replaced, pitfall_of
from aevb.config.tree import CONF, allowed, options, targets
from aevb.config.validation import RUNTIME, validate

__all__ = [
    "CONF",
    "RUNTIME",
    "ConfigError",
    "allowed",
    "difference",
    "fingerprint",
    "fingerprint_of_numbers",
    "flatten",
    "label_replaced",
    "numbers_of",
    "options",
    "pitfall_of",
    "run_name",
    "shown",
    "suggestion",
    "targets",
    "validate",
    "warnings",
]
