"""The two figures that are tables: numbers of planted runs against what was planted and what the paper has."""

import pytest

from aevb.figures.paper.comparison import Comparison
from aevb.figures.paper.figure2 import Figure2
from aevb.figures.studies import table
from aevb.figures.studies.table import Table
from aevb.files.atomic import write_json
from helpers.figure_runs import COMMIT, plant, read_csv


def test_comparison_is_ours_minus_the_papers_at_the_same_samples_seen(tmp_path):
    bounds = {100: -543.0, 1000000: -126.0, 10000000: -104.0}
    plant(tmp_path, "latent_dim=20", train=bounds, test={100: -543.0, 1000000: -124.0, 10000000: -105.0})
    Comparison().draw(tmp_path, tmp_path / "out")
    rows = {int(row["samples_seen"]): row for row in read_csv(tmp_path / "out" / "comparison.csv")}
    assert list(rows) == [1_000_000, 10_000_000]
    expected = {1_000_000: (-124.22, -126.4), 10_000_000: (-104.76, -104.19)}  # science.md, section 2a
    for key, (test, train) in expected.items():
        assert float(rows[key]["test_paper"]) == pytest.approx(test, abs=0.06)
        assert float(rows[key]["train_paper"]) == pytest.approx(train, abs=0.06)
    assert float(rows[10_000_000]["test_difference"]) == pytest.approx(-105.0 + 104.76, abs=0.06)
    assert float(rows[1_000_000]["train_difference"]) == pytest.approx(-126.0 + 126.4, abs=0.06)
    assert (rows[1_000_000]["commit"], rows[1_000_000]["verdict"]) == (COMMIT, "selected")


def test_comparison_lists_every_lr_and_the_seeds_that_reached_it(tmp_path):
    long = {100: -543.0, 1000000: -126.0, 10000000: -104.0}
    plant(tmp_path, "latent_dim=20", "seed=0", train=long)
    plant(tmp_path, "latent_dim=20", "seed=1", train={100: -543.0, 1000000: -128.0})
    plant(tmp_path, "latent_dim=20", "optimizer.lr=0.1", train={100: -543.0, 1000000: -2e7})
    Comparison().draw(tmp_path, tmp_path / "out")
    rows = read_csv(tmp_path / "out" / "comparison.csv")
    assert [(row["lr"], row["verdict"], row["samples_seen"], row["seeds"]) for row in rows] == [
        ("0.01", "selected", "1000000", "2"),
        ("0.01", "selected", "10000000", "1"),
        ("0.1", "rejected", "1000000", "1"),
    ]
    assert [float(rows[0][key]) for key in ("train_bound", "train_low", "train_high")] == [-127, -128, -126]
    assert "-127.00 [-128.00, -126.00]" in (tmp_path / "out" / "comparison.md").read_text()


def test_comparison_skips_a_point_that_no_run_has(tmp_path):
    plant(tmp_path, "latent_dim=20", train={1_000_000: -126.0, 5_000_000: -110.0})
    Comparison(at=[1_000_000, 4_000_000]).draw(tmp_path, tmp_path / "out")
    assert [row["samples_seen"] for row in read_csv(tmp_path / "out" / "comparison.csv")] == ["1000000"]


def test_comparison_says_nothing_where_the_paper_has_no_data(tmp_path):
    plant(tmp_path, "latent_dim=20", train={100: -543.0, 200000: -170.0})  # left of the first vertex
    plant(tmp_path, "latent_dim=4", train={100: -543.0, 1000000: -170.0})  # no such panel
    plant(tmp_path, "objective=sgvb_a", "latent_dim=10", train={100: -543.0, 1000000: -130.0})
    Comparison().draw(tmp_path, tmp_path / "out")
    rows = {row["latent_dim"]: row for row in read_csv(tmp_path / "out" / "comparison.csv")}
    assert (rows["20"]["samples_seen"], rows["20"]["test_paper"], rows["20"]["test_difference"]) == ("200000", "", "")
    assert rows["4"]["test_paper"] == ""
    assert float(rows["10"]["test_paper"]) == pytest.approx(-128.34, abs=0.06)  # estimator A is AEVB too


def test_table_takes_the_whole_split_and_the_most_samples(tmp_path, capsys):
    run = plant(tmp_path, "latent_dim=20", train={100: -543.0, 1000000: -126.0})
    for name, n, samples, mean in (
        ("bound", 10000, 1, -124.2),
        ("importance", 1000, 9000, -1.0),
        ("importance", 10000, 100, -118.0),
        ("importance", 10000, 5000, -117.5),
    ):
        facts = {"name": name, "split": "test", "n": n, "mean": mean, "standard_error": 0.25}
        write_json(run / "evaluation" / f"{name}-{n}-{samples}.json", {**facts, "settings": {"samples": samples}})
    plant(tmp_path, "latent_dim=5", train={100: -543.0, 1000000: -140.0})  # evaluated by nobody
    paths = Table().draw(tmp_path, tmp_path / "out")
    assert [path.name for path in paths] == ["table.csv", "table.md"]
    without, row = read_csv(paths[0])
    assert (row["run"], row["samples_seen"], row["seconds"], row["targets"]) == (
        run.name,
        "1000000",
        "12.5",
        "grey/255",
    )
    assert [float(row[key]) for key in ("test_bound", "test_log_px", "importance_samples")] == [-124.2, -117.5, 5000]
    assert (row["test_log_px_standard_error"], row["commit"]) == ("0.25", COMMIT)
    assert (without["latent_dim"], without["test_log_px"]) == ("5", "")
    printed = capsys.readouterr().out
    assert "-117.50 ± 0.25" in printed
    assert "5,000" in printed


@pytest.mark.parametrize("figure", [Table(), Comparison(), Figure2()], ids=lambda figure: figure.name)
def test_every_table_says_what_numbers_of_grey_targets_are(figure, tmp_path, capsys):
    plant(tmp_path, "latent_dim=20", train={100: -543.0, 1000000: -126.0})
    plant(tmp_path, "data=frey_face", "latent_dim=20", train={100: -543.0, 1000000: 900.0})
    figure.draw(tmp_path, tmp_path / "out")
    text = (tmp_path / "out" / f"{figure.name}.md").read_text()
    assert "not comparable with tables of binary images" in text
    assert "log-density at byte levels" in text
    printed = capsys.readouterr().out
    assert figure.name != "table" or "not comparable with tables of binary images" in printed


def test_a_long_table_is_printed_in_plain_columns(capsys):
    rows = [{"run": f"run-{index}", "latent_dim": index % 7} for index in range(table.MANY + 1)]
    table._print(rows, "remarks\n")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "run      latent_dim"
    assert lines[1] == "run-0    0"
    assert len(lines) == table.MANY + 3
