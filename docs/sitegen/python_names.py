"""A Sphinx extension that resolves the names of other libraries in signatures quickly.

For a name such as `Tensor`, Sphinx compares the end of every documented name. Here it is first looked up whether any documented
name has this last part, so that a name of another library costs one look into a set.
"""

from typing import Any

from sphinx.domains.python import ObjectEntry, PythonDomain

__all__ = ["Domain", "setup"]


class Domain(PythonDomain):
    """The domain of Python, which documents classes and functions."""

    _known: tuple[int, frozenset[str]] = (0, frozenset())

    def find_obj(
        self, env: Any, modname: str, classname: str, name: str, type: str | None, searchmode: int = 0
    ) -> list[tuple[str, ObjectEntry]]:
        """Return the documented objects of a name (see `PythonDomain.find_obj`)."""
        if self._known[0] != len(self.objects):
            self._known = len(self.objects), frozenset(full.rpartition(".")[2] for full in self.objects)
        if name.removesuffix("()").rpartition(".")[2] not in self._known[1]:
            return []
        return super().find_obj(env, modname, classname, name, type, searchmode)


def setup(app: Any) -> dict[str, bool]:
    """Register the domain in the place of that of Sphinx."""
    app.add_domain(Domain, override=True)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
