"""A page for each experiment, from the header of its YAML."""

from collections.abc import Iterator

from aevb.config.tree import CONF, options
from sitegen.links import option_label, with_links
from sitegen.markdown import code, fenced, prose, table, toctree
from sitegen.yaml_comments import Header, header

__all__ = ["pages"]

KINDS = {
    "Paper": "The paper's own figures.",
    "Study": "Questions that the paper leaves open.",
    "Course": "What lecture notes and exercises show.",
    "Check": "Models whose answer is known, and a demonstration.",
}


def pages() -> Iterator[tuple[str, str]]:
    """Yield name and Markdown of the list of the experiments and of the page of each."""
    headers = {name: header(CONF / "experiment" / f"{name}.yaml") for name in options("experiment")}
    parts = ["# Experiments", "An experiment is a config with a name: `aevb-train experiment=NAME`."]
    for kind, meaning in KINDS.items():
        rows = [
            (f"[{code(name)}]({name}.md)", prose(_title(heading)), _linked(heading.cost))
            for name, heading in headers.items()
            if heading.first.startswith(f"{kind}:")
        ]
        parts += [f"## {kind}", meaning, table(("experiment", "what it shows", "cost"), rows)]
    yield "experiments/index.md", "\n\n".join([*parts, toctree(headers)])
    for name, heading in headers.items():
        yield f"experiments/{name}.md", _page(name, heading)


def _title(heading: Header) -> str:
    return heading.first.partition(":")[2].strip()


def _linked(text: str) -> str:
    return with_links(prose(text), "experiments")


def _page(name: str, heading: Header) -> str:
    title = _title(heading)
    parts = [
        f"({option_label('experiment', name)})=\n# {code(name)}: {prose(title.rstrip('.'))}",
        _linked(heading.text),
        "## Command",
        fenced("\n".join(heading.commands)),
        f"Cost: {_linked(heading.cost)}",
        "## Result",
        _linked(heading.result),
        "## Config",
        f"`conf/experiment/{name}.yaml`; all other keys are those of the "
        "[default configuration](../reference/configuration/index.md).",
        fenced((CONF / "experiment" / f"{name}.yaml").read_text(encoding="utf-8"), "yaml"),
    ]
    return "\n\n".join(filter(None, parts))
