"""Redaction: user names, host names, home directories, addresses and secrets are removed before text reaches the page.

A report is made to be sent to other people, and manifests, tracebacks and paths in a config name machines and accounts.
"""

import getpass
import platform
import re
from collections.abc import Iterable
from functools import cache
from typing import Any

__all__ = ["Redaction", "strings"]

HOME = re.compile(r"(?:/(?:export/)?home/|/Users/|[A-Za-z]:\\+Users\\+)([^/\\\s'\":,;]+)")
ROOT_HOME = re.compile(r"(?<![\w.~/-])/root(?![\w-])")
# No pattern may begin within a word and scan to its end: a traceback may be one word of many thousand characters.
ADDRESS = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])|(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)*")
SECRET_NAME = r"(?:password|passwd|secret|token|api_?key|credentials?)"
SECRET = re.compile(rf"((?<![A-Za-z]){SECRET_NAME}['\"]?\s*[=:]\s*)(?:'[^']*'|\"[^\"]*\"|\S+)", re.IGNORECASE)
SECRET_KEY = re.compile(rf"(?:^|[_.-]){SECRET_NAME}$", re.IGNORECASE)
REMOVED = "[redacted]"
SHORTEST = 3  # characters of a name that is replaced wherever it occurs


class Redaction:
    """Removes private text from strings and from nested containers.

    Args:
        texts: Text of the runs; user names are read from the home directories in it.
        hosts: Host names that the runs recorded.
        pattern: A further pattern of the user's, of which every match is removed; None for none.

    Attributes:
        text: Returns a text without private names: `~` for home directories, `user` for user names in paths, `host` for host
            names and `[redacted]` for addresses, secrets and the matches of the user's pattern. Runs of a sweep repeat each
            other, so the answers are kept.
    """

    def __init__(self, texts: Iterable[str], hosts: Iterable[str], pattern: re.Pattern[str] | None = None) -> None:
        users = {name for text in texts if "/" in text or "\\" in text for name in HOME.findall(text)} | {_user()}
        names = {*hosts, platform.node()}
        names |= {name.partition(".")[0] for name in names}
        self._users = _alternatives(users - {"root"})
        self._hosts = _alternatives(names - {"localhost"})
        self._pattern = pattern
        self.text = cache(self._text)
        self._public: set[str] = set()

    def _text(self, text: str) -> str:
        if not text.isalnum():  # as a hash, which has none of these
            text = HOME.sub("~", text)
            text = ROOT_HOME.sub("~", text)
            text = SECRET.sub(rf"\1{REMOVED}", text)
            if self._users:
                text = re.sub(
                    rf"(?<=[/\\])(?:{self._users})(?=[/\\\s'\",:;)]|$)|(?<![\w.-])(?:{self._users})(?=@)", "user", text
                )
            text = ADDRESS.sub(REMOVED, text)
        if self._hosts:
            text = re.sub(rf"(?<![\w-])(?:{self._hosts})(?![\w-])", "host", text)
        return text if self._pattern is None else self._pattern.sub(REMOVED, text)

    def is_public(self, texts: Iterable[frozenset[str]]) -> bool:
        """Return whether nothing would be removed from containers.

        Args:
            texts: Their `strings`, in any number of sets.
        """
        unknown = frozenset().union(*texts) - self._public
        if any(_names_a_secret(text) or self.text(text) != text for text in unknown):
            return False
        self._public |= unknown
        return True

    def value(self, value: Any, key: str = "") -> Any:
        """Return nested containers with every string redacted; the value of a key that names a secret is removed.

        Args:
            value: Nested dictionaries and lists.
            key: The key of the value, if it has one.
        """
        if isinstance(value, dict):
            return {self.text(str(name)): self.value(item, str(name)) for name, item in value.items()}
        if isinstance(value, list):
            return [self.value(item, key) for item in value]
        if value is not None and _names_a_secret(key):
            return REMOVED
        return self.text(value) if isinstance(value, str) else value


def strings(value: Any) -> set[str]:
    """Return every string and every key of nested containers.

    Args:
        value: Nested dictionaries and lists.
    """
    texts: set[str] = set()
    _collect(value, texts)
    return texts


def _collect(value: Any, texts: set[str]) -> None:
    if isinstance(value, str):
        texts.add(value)
    elif isinstance(value, dict):
        texts.update(value if set(map(type, value)) <= {str} else map(str, value))
        for item in value.values():
            if isinstance(item, str):
                texts.add(item)
            elif isinstance(item, dict | list):
                _collect(item, texts)
    elif isinstance(value, list):
        for item in value:
            _collect(item, texts)


@cache
def _names_a_secret(key: str) -> bool:
    return SECRET_KEY.search(key) is not None


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""  # an account without a name, as in some containers


def _alternatives(names: set[str]) -> str:
    return "|".join(
        re.escape(name) for name in sorted(names, key=lambda name: (-len(name), name)) if len(name) >= SHORTEST
    )
