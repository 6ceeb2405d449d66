"""Every YAML in conf/figure: valid, built, named as its file, and refusing an empty folder with a command."""

import pytest

from aevb.config import options, validate
from aevb.config.instantiate import instantiate
from aevb.errors import UserError
from helpers.commands import composed


@pytest.mark.parametrize("option", options("figure"))
def test_each_figure_builds_and_names_the_command_that_makes_its_runs(option, tmp_path):
    settings = validate(composed(f"figure={option}", root="figure"), root="figure")
    figure = instantiate(settings["figure"])
    assert figure.name == option
    with pytest.raises(UserError, match=f"nothing to draw {option} from; try: aevb-train "):
        figure.draw(tmp_path, tmp_path / "out")
