"""The numbers on the committed pages are those of the committed CSVs."""

import json

import pytest
import scipy.stats
from sitegen import readme_speed
from sitegen.benchmark_tables import benchmark_table, newest_records
from sitegen.figure2_gap import gap_table, gap_text
from sitegen.figure3_text import figure3_text
from sitegen.frey_face_long import frey_long_text
from sitegen.gap_text import frey_start_text, mnist_start_text, training_excess
from sitegen.inference_gap import inference_gap_text
from sitegen.mnist_start import paper_start, starts
from sitegen.pages_with_numbers import BLOCK, PAGES, filled
from sitegen.result_numbers import difference, measured, paper_bound, seed_spread, span
from sitegen.result_tables import plain, samples_seen, signed
from sitegen.result_text import figure2_text
from sitegen.results import LAST, at_one_rate, bound_panels, rows

from helpers.commands import REPOSITORY


@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_the_numbers_of_the_csvs(page):
    text = (REPOSITORY / page).read_text(encoding="utf-8")
    assert BLOCK.search(text)
    assert text == filled(text), "try: PYTHONPATH=docs python -m sitegen --numbers"


def test_a_changed_number_is_noticed():
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    changed = text.replace("\N{MINUS SIGN}102.25", "\N{MINUS SIGN}102.26")
    assert changed != text
    assert filled(changed) == text


def test_a_bound_is_the_mean_of_the_committed_runs():
    runs = REPOSITORY / "results" / "runs"
    rows = [
        dict(zip(lines[0].split(","), line.split(","), strict=True))
        for seed in (0, 1)
        for lines in [(runs / f"mnist-sgvb_b-adagrad-z20-s{seed}" / "metrics.csv").read_text().splitlines()]
        for line in lines[1:]
    ]
    bounds = [float(row["test_bound"]) for row in rows if row["samples_seen"] == "10000000"]
    shown = at_one_rate("mnist", 20, "0.01")
    assert (shown.seeds, len(bounds)) == (2, 2)
    assert shown.ours == pytest.approx(sum(bounds) / 2, abs=1e-9)
    assert shown.paper == pytest.approx(-104.757, abs=1e-3)  # read off the paper's figure


def test_numbers_of_sentences_are_those_of_the_runs():
    runs = [f"mnist-sgvb_b-adagrad-z3-s{seed}-54d0f6" for seed in range(5)]
    bounds = [measured(run, 1e6)["test_bound"] for run in runs]
    paper = paper_bound("mnist", 3, 1e6)
    assert difference("mnist", 3, "0.02", 1e6) == pytest.approx(sum(bounds) / 5 - paper, abs=1e-9)
    assert seed_spread("0.02")[0] == pytest.approx(max(bounds) - min(bounds), abs=1e-9)
    assert difference("mnist", 3, "0.1", 1e7) is None  # such a run was not made
    assert (span([-2.51, 1.69]), span([1.0, 1.01])) == ("1.7 to 2.5", "1.0")


def test_numbers_of_the_studies_are_those_of_the_runs():
    row = measured("mnist-sgvb_b-adagrad-z20-s0-54d0f6", 1e8)
    assert f"| ours | 20 | 0.02 | 1e8 | {signed(row['train_bound'] - row['test_bound'])} |" in training_excess()
    row = next(line for line in training_excess().splitlines() if line.startswith("| ours | 20 | 0.02 | 1e7"))
    runs = [measured(f"mnist-sgvb_b-adagrad-z20-s{seed}-54d0f6", 1e7) for seed in range(5)]
    assert row.endswith(", ".join(signed(run["train_bound"] - run["test_bound"]) for run in runs) + " |")  # every seed
    lowest = min(starts()["wake-sleep", 200, 0.02]) - paper_start("wake-sleep", 200)
    assert f"to {-lowest:.0f} nats too low" in " ".join(mnist_start_text().split())
    assert len(frey_start_text().splitlines()) == 5
    twice = [
        abs(measured(run, 1e7)["test_bound"] - measured(f"{run}-ba46ca", 1e7)["test_bound"])
        for run in (f"frey_face-sgvb_b-adagrad-z{latent_dim}-s0" for latent_dim in (2, 5, 10, 20))
    ]
    assert f"{min(twice):.1f} to {max(twice):.1f} at 1e7" in " ".join(frey_long_text().split())


def test_the_readme_shows_the_span_of_all_panels_at_the_selected_rates():
    readme = " ".join((REPOSITORY / "README.md").read_text(encoding="utf-8").split())
    ends = [one for one in bound_panels() if one.samples == LAST and one.method == "AEVB"]
    for data, latent_dims in (("MNIST", (3, 5, 10, 20, 200)), ("Frey Face", (2, 5, 10, 20))):
        differences = {one.panel: one.difference for one in ends if one.panel.startswith(data)}
        assert set(differences) == {f"{data}, {latent_dim}" for latent_dim in latent_dims}
        span = f"{signed(min(differences.values()), 1)} to {signed(max(differences.values()), 1)}"
        assert f"| 2, {data} | " in readme
        assert f"| [{span}](#note-" in readme.split(f"| 2, {data} | ", 1)[1][:200]
    assert f"default, 0.01: {signed(at_one_rate('mnist', 3, '0.01').difference)}, " in readme


def test_a_sentence_on_the_end_of_a_curve_has_its_last_point():
    text = " ".join(figure2_text().split())
    ends = [measured(f"mnist-sgvb_b-adagrad-z3-s0{suffix}", 1e8)["test_bound"] for suffix in ("", "-54d0f6")]
    small, large = sorted(paper_bound("mnist", 3, 1e8) - end for end in ends)
    assert f"{small:.1f} to {large:.1f} at 1e8 (learning rates 0.01 and 0.02)" in text
    frey = [
        paper_bound("frey_face", j, 1e8) - measured(f"frey_face-sgvb_b-adagrad-z{j}-s0", 1e8)["test_bound"]
        for j in (5, 10, 20)
    ]
    assert f"and {min(frey):.0f} to {max(frey):.0f} below with 5, 10 and 20" in text
    assert f"{-frey[0]:.0f}".replace("-", "\N{MINUS SIGN}") in (REPOSITORY / "README.md").read_text(encoding="utf-8")


def test_a_difference_between_methods_has_welchs_interval():
    end = {"source": "run", "n_train": "1000", "split": "test"}
    seeds = [
        [float(row["quadrature"]) for row in rows("figure3.csv") if (end | last).items() <= row.items()]
        for last in (
            {"method": "Monte Carlo EM", "samples_seen": "20010000"},
            {"method": "AEVB", "samples_seen": "20000000"},
        )
    ]
    interval = scipy.stats.ttest_ind(*seeds, equal_var=False).confidence_interval()
    middle, half = (interval.low + interval.high) / 2, (interval.high - interval.low) / 2
    assert f"it is {middle:+.1f} ± {half:.1f} nat from AEVB" in " ".join(figure3_text().split())


def test_a_difference_of_two_gaps_has_the_errors_of_both():
    """Images of different splits are independent: the squared standard errors add up."""
    train, test = (
        next(row for row in rows("inference_gap.csv", "figure2-gap") if (key | {"split": split}).items() <= row.items())
        for key in ({"lr": "0.02", "seed": "4", "samples_seen": "30000000"},)
        for split in ("train", "test")
    )
    mean = float(test["amortisation_gap"]) - float(train["amortisation_gap"])
    error = sum(float(row["amortisation_gap_standard_error"]) ** 2 for row in (train, test)) ** 0.5
    assert f"{mean:.1f} ± {error:.1f} nats would be regained" in " ".join(inference_gap_text().split())


def test_every_panel_is_there():
    panels = {(one.panel, one.method) for one in bound_panels()}
    assert len(panels) == 2 * (5 + 4)


def test_numbers_as_text():
    assert (signed(-0.0124), signed(1.5, 1), plain(-3.0)) == ("\N{MINUS SIGN}0.01", "+1.5", "\N{MINUS SIGN}3.00")
    assert [samples_seen(value) for value in (10_000_000, 5_000_000, 20_010_000)] == ["1e7", "5e6", "20,010,000"]


def test_the_tables_of_benchmarks_are_of_the_newest_records():
    files = (REPOSITORY / "results" / "benchmarks").glob("*.json")
    records = [json.loads(path.read_text(encoding="utf-8")) for path in files]
    newest = newest_records()
    times = [record["machine"]["time"] for record in newest]
    assert max(times) == max(record["machine"]["time"] for record in records)
    rows = [row for record in newest for row in record["rows"] if row["median"] is not None]
    lines = [line for line in benchmark_table().splitlines() if line.startswith("| ") and "×" in line]
    ratios = [row for row in rows if row["unit"] == "×"]
    assert len(lines) == len(ratios) > 0
    assert {row["threads"] for row in ratios} == {1, 2}
    assert all(f"{row['median']:.3g} {row['unit']}" in line for row, line in zip(ratios, lines, strict=True))


def test_the_speed_in_the_readme_is_the_newest_of_each_ratio(tmp_path, monkeypatch):
    lightning, jax = "speed of aevb / textbook Lightning", "speed of aevb / JAX jit + scan"
    folder = tmp_path / "results" / "benchmarks"
    folder.mkdir(parents=True)
    for day, medians in {"01": {lightning: 2.0, jax: 1.5}, "02": {jax: 1.7, lightning: None}}.items():
        rows = [{"what": what, "threads": 1, "median": median} for what, median in medians.items()]
        rows.append({"what": jax, "threads": 2, "median": 9.0})
        machine = {"time": f"2026-01-{day}T00:00:00+00:00", "processor": "a processor"}
        (folder / f"{day}.json").write_text(json.dumps({"machine": machine, "rows": rows}))
    monkeypatch.setattr(readme_speed, "REPOSITORY", tmp_path)
    text = readme_speed.readme_speed()
    assert "2 times as textbook Lightning, 1.7 times as JAX" in text
    assert "(a processor, 2026-01-01 and 2026-01-02)" in text
    longer = " ".join(readme_speed.numbers_speed().split())
    assert (
        "reaches 2 times that of a textbook loop in Lightning and 1.7 times that of JAX (a processor, 2026-" in longer
    )
    assert "matrix products" not in longer  # not measured


def test_the_speed_in_the_readme_spans_the_processors(tmp_path, monkeypatch):
    what = "speed of aevb / textbook Lightning"
    folder = tmp_path / "results" / "benchmarks"
    folder.mkdir(parents=True)
    for day, processor, median in (("01", "one", 9.0), ("02", "one", 3.2), ("03", "other", 1.7)):
        machine = {"time": f"2026-01-{day}T00:00:00+00:00", "processor": processor}
        rows = [{"what": what, "threads": 1, "median": median}]
        (folder / f"{day}.json").write_text(json.dumps({"machine": machine, "rows": rows}))
    monkeypatch.setattr(readme_speed, "REPOSITORY", tmp_path)
    text = readme_speed.readme_speed()
    assert "1.7 to 3.2 times as textbook Lightning (one, 2026-01-02; other, 2026-01-03)" in text


def test_of_two_kinds_of_products_the_worse_ratio_is_stated(tmp_path, monkeypatch):
    hand, step = "speed of aevb / hand-written closed-form loop", "time of aevb's step / matrix products alone"
    folder = tmp_path / "results" / "benchmarks"
    folder.mkdir(parents=True)
    medians = {hand: 1.5, f"{hand}, products by oneDNN": 0.92, step: 0.82, f"{step}, by oneDNN": 1.7}
    medians["speed of aevb / textbook Lightning"] = 3.0
    rows = [{"what": what, "threads": 1, "median": median} for what, median in medians.items()]
    machine = {"time": "2026-01-01T00:00:00+00:00", "processor": "a processor"}
    (folder / "01.json").write_text(json.dumps({"machine": machine, "rows": rows}))
    monkeypatch.setattr(readme_speed, "REPOSITORY", tmp_path)
    text = " ".join(readme_speed.numbers_speed().split())
    assert "0.92 times that of the loop by hand" in text
    assert "A step takes 1.7 times as long" in text


def test_a_table_of_seeds_is_that_of_the_csv():
    row = next(line for line in gap_table().splitlines() if "paper_variance" in line)
    assert row.count("\N{MINUS SIGN}") == 4  # one seed in every column
    assert "2.7 to 4.6 nats above" in " ".join(gap_text().split())
