"""The generators of the documentation site, on sources whose answer is known."""

from pathlib import Path
from typing import NamedTuple

import pytest
from sitegen.breaks import breakable
from sitegen.command_help import help_of
from sitegen.config_keys import rows_of_option, rows_of_root
from sitegen.configuration import TITLES, groups
from sitegen.docstrings import described
from sitegen.gallery import pictures
from sitegen.links import rewritten
from sitegen.markdown import prose, table
from sitegen.plain_docstrings import is_alias, plain
from sitegen.repository import title
from sitegen.sections import sections
from sitegen.stage import stage
from sitegen.yaml_comments import beside_keys, header

from aevb.config.tree import CONF
from helpers.commands import REPOSITORY


def test_a_key_has_value_type_range_and_meaning():
    rows = {row.key: row for row in rows_of_option(CONF / "evaluation" / "default.yaml", "evaluation")}
    every = rows["evaluation.every"]
    assert (every.value, every.allowed) == ("null", "an integer >= 1 or null")
    assert "training samples" in every.meaning


def test_keys_of_nested_objects_are_listed():
    keys = {row.key for row in rows_of_option(CONF / "model" / "gaussian.yaml", "model")}
    assert {"model.decoder.hidden_dim", "model.initialization", "model.seed"} <= keys


def test_an_option_for_the_whole_config_has_no_prefix():
    keys = {row.key for row in rows_of_option(CONF / "objective" / "arm.yaml", "objective")}
    assert "objective.samples" in keys


def test_every_key_of_the_main_config_has_a_meaning():
    rows = list(rows_of_root(CONF / "train.yaml", "train"))
    assert len(rows) >= 10
    assert [row.key for row in rows if not row.meaning] == []


def test_every_group_has_a_page_and_a_title():
    folders = {path.name for path in CONF.iterdir() if path.is_dir()} - {"hydra", "experiment"}
    assert folders <= set(groups())
    assert set(TITLES) >= folders, "a title in docs/sitegen/configuration.py"


def test_a_docstring_is_read_without_import():
    description = described("aevb.objectives.iwae.IWAE")
    assert description.arguments["samples"].startswith("Number of draws of z per datapoint")
    assert described("aevb.optimizers.torch.adam").arguments["betas"]


def test_the_header_of_an_experiment_is_split():
    parts = header(CONF / "experiment" / "figure2_frey.yaml")
    assert parts.first.startswith("Paper: ")
    assert parts.commands[0] == "aevb-train experiment=figure2_frey max_samples=1e6"
    assert "samples a second" in parts.cost


def test_comments_are_read_beside_their_keys(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text('# Header\na: 1   # first\nb:\n  c: "#x"\n  d: 2  # second\n')
    assert beside_keys(path) == {"a": "first", "b.d": "second"}


@pytest.mark.parametrize(
    ("target", "new"),
    [
        ("collapse/README.md", "collapse/index.md"),
        ("../CONTRIBUTING.md#add-something", "development/contributing.md#add-something"),
        ("../README.md", "index.md"),
        ("../conf/evaluation/default.yaml", "#conf-evaluation-default"),
        ("../tests/docs/test_links.py", "files/tests/docs/test_links.py.txt"),
        ("https://arxiv.org/abs/1312.6114", "https://arxiv.org/abs/1312.6114"),
        ("results/figure2.png", "results/figure2.png"),
    ],
)
def test_links_are_rewritten(target, new):
    assert rewritten(f"see [it]({target}) now", "docs/numbers.md")[0] == f"see [it]({new}) now"


def test_a_link_to_a_folder_is_text_and_code_stays():
    text = "[runs](../results/runs), `[a](b.md)` and [`code`](collapse/README.md)"
    expected = "runs, `[a](b.md)` and [`code`](collapse/index.md)"
    assert rewritten(text, "docs/numbers.md")[0] == expected


def test_characters_stand_for_themselves():
    assert prose("p_x * <name> `a_b`") == r"p\_x \* \<name> `a_b`"
    assert table(("a",), [("x | y",)]).splitlines()[-1] == r"| x \| y |"


def test_a_docstring_keeps_formulas_and_sections():
    text = plain(["The bound of q(z|x).", "", "    L = a * b", "", "Args:", "    z: Draws, `z_k`."])
    assert text[0] == r"The bound of q(z\|x)."
    assert "::" in text
    assert "    L = a * b" in text
    assert text[-1] == "    z: Draws, ``z_k``."


def test_sections_of_the_index_have_the_generated_pages():
    start, groups = sections("# Title\n\n## Reference\n\n* [a](a.md), [b](b/index.md#c)\n")
    assert start.strip() == "# Title"
    assert groups[0].pages[:2] == ["a.md", "b/index.md"]
    assert "reference/configuration/index.md" in groups[0].pages


def test_every_figure_of_the_paper_is_in_the_gallery():
    names = {Path(path).stem for path in pictures()}
    assert {"figure2", "figure3", "figure4", "figure5", "verdict"} <= names
    assert "docs/explorer/conditional.png" not in pictures()  # a screenshot


def test_fields_of_a_named_tuple_are_described_once():
    class Pair(NamedTuple):
        """Two numbers."""

        first: int

    assert [is_alias(member) for member in (Pair.first, Pair, str.upper)] == [True, False, False]


@pytest.mark.process
def test_the_help_of_a_command_is_read():
    assert "usage" in help_of("aevb-status", "aevb.cli.status:status").lower()


def test_generated_pages_are_not_committed():
    assert not (REPOSITORY / "docs" / "reference").exists()


def test_long_words_in_tables_may_break():
    cell = '<td class="a_very_long_name_of_a_class"><code>{}</code></td>'
    name = "test_distributions::test_draws_scale_with_sigma"
    broken = "test_<wbr>distributions::<wbr>test_<wbr>draws_<wbr>scale_<wbr>with_<wbr>sigma"
    assert breakable(cell.format(name)) == cell.format(broken)
    for same in (cell.format("optimizer.lr=0.02"), f"<p>{name}</p>", cell.format("12345678901234567890123456")):
        assert breakable(same) == same


def test_pages_of_one_figure_have_titles_of_their_own(tmp_path):
    stage(tmp_path)
    titles = [title(page.read_text(encoding="utf-8")) for page in sorted((tmp_path / "em-view").rglob("em_view.md"))]
    assert len(titles) == len(set(titles)) == 3
    assert titles[1].endswith(": minibatches")
