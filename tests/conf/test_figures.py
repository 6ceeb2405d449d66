"""Every YAML in conf/figure: valid, built, named as its file, and refusing an empty folder with a command."""

from pathlib import Path

from aevb.config import options, validate
from aevb.config.instantiate import instantiate
from aevb.errors import UserError
from helpers.commands import composed


def fault(option: str, folder: Path) -> str | None:
    """What is wrong with one option; None if nothing is."""
    figure = instantiate(validate(composed(f"figure={option}", root="figure"), root="figure")["figure"])
    if figure.name != option:
        return f"{option}: called {figure.name}"
    try:
        figure.draw(folder, folder / "out")
    except UserError as error:
        named = f"nothing to draw {option} from; try: aevb-train " in str(error)
        return None if named else f"{option}: {error}"
    return f"{option}: drawn from nothing"


def test_each_figure_builds_and_names_the_command_that_makes_its_runs(tmp_path: Path) -> None:
    faults = [fault(option, tmp_path) for option in options("figure")]
    assert len(faults) > 20
    assert [text for text in faults if text is not None] == []
