"""What a command says of overrides."""

from aevb.cli.hydra_errors import explain
from aevb.cli.hydra_policy import install
from aevb.cli.user_errors import is_user_error
from aevb.config import ConfigError, validate
from helpers.commands import composed

__all__ = ["message"]


def message(words: list[str], root: str = "train") -> str | None:
    """What the command says of these overrides; None if it accepts them."""
    install()  # as every command does
    try:
        validate(composed(*words, root=root), root=root)
    except ConfigError as error:
        return str(error)
    except Exception as error:
        if not is_user_error(error):
            raise
        return explain(error, root, words)
    return None
