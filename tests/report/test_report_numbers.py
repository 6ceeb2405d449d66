"""The numbers of a report of planted runs: its tables, its downloads, and what is said of them."""

import csv
import io
import json
import re
from pathlib import Path

import pytest

from aevb.files.atomic import write_json
from aevb.report import build_report
from aevb.runs.status import directories, rows_of
from helpers.figure_runs import plant
from helpers.html_page import Page, download, unpacked


def test_a_run_that_repeats_a_seed_is_named_and_not_counted(folder: Path) -> None:
    once = download(build_report(rows_of(folder)), "curves.csv")
    again = plant(folder, "data=digits", "latent_dim=2", "seed=0", "max_samples=20000", train={100: -300.0})
    page = build_report(rows_of(folder))
    assert f"{again.name}: the settings and the seed of datadigits_latent_dim2_seed0, so it is not counted" in page
    assert "(3 seeds)" in page
    assert "(4 seeds)" not in page
    assert len(download(page, "curves.csv").splitlines()) == len(once.splitlines()) + 1


def test_settings_other_than_the_papers_are_named(tmp_path: Path) -> None:
    train = {10**6: -150.0, 10**7: -140.0}
    plant(tmp_path, "latent_dim=10", train=train)
    assert "other settings than those of figure 2" not in build_report(rows_of(tmp_path))
    plant(tmp_path, "latent_dim=20", "hidden_dim=100", "data.targets=dynamic", train=train)
    page = build_report(rows_of(tmp_path))
    words = "1 of 2 runs were trained with other settings than those of figure 2 of the paper: hidden_dim (1), data.targets (1)."
    assert words in page


def test_the_numbers_are_those_of_the_csv_files(folder: Path) -> None:
    page = build_report(rows_of(folder))
    written = {
        (line.pop("run"), line["samples_seen"]): line
        for line in csv.DictReader(io.StringIO(download(page, "curves.csv")))
    }
    assert len(written) == 20
    for (run, seen), line in written.items():
        lines = csv.DictReader((folder / run / "metrics.csv").read_text().splitlines())
        assert line == next(each for each in lines if each["samples_seen"] == seen)
    means = [float(str(a["value"])) for tag, a in Page(page).tags if tag == "data"]
    assert -150.0625 - 1 + 2 - 1 in means  # the test bound is 1 nat below; the mean of three seeds is that of seed 1
    assert {item["run"] for item in json.loads(download(page, "report.json"))["runs"]} == {
        row.run.rpartition("/")[2] for row in rows_of(folder)
    }


def test_the_json_download_has_null_for_what_is_not_finite(folder: Path) -> None:
    facts = {"name": "bound", "split": "test", "n": 1, "mean": -1.5, "standard_error": None, "quantity": "bound"}
    facts |= {"settings": {}, "seed": 0, "values": {"bound": {"mean": -1.5, "standard_error": None}}}
    write_json(folder / "datadigits_latent_dim2_seed0" / "evaluation" / "bound-test.json", facts)
    content = json.loads(unpacked(build_report(rows_of(folder)), "report.json"), parse_constant=pytest.fail)
    (values,) = [run["evaluations"]["bound-test"] for run in content["runs"] if run["evaluations"]]
    assert (values["mean"], values["standard_error"]) == (-1.5, None)


def test_settings_are_downloaded_as_they_are_written(folder: Path) -> None:
    plant(folder, "data=digits", "latent_dim=2", "optimizer.lr=0.5", train={100: -1.0})
    rows = list(csv.DictReader(io.StringIO(unpacked(build_report(rows_of(folder)), "runs.csv"))))
    assert {row["seed"] for row in rows if row["seed"]} == {"0", "1", "2"}
    assert "0.5" in {row["optimizer.lr"] for row in rows}


def test_targets_with_several_meanings_are_named_with_the_family(tmp_path: Path) -> None:
    plant(tmp_path, "data=digits", train={100: -30.0})
    plant(tmp_path, "data=digits", "data.targets=dynamic", train={100: -30.0})
    gaussian = plant(tmp_path, "data=digits", "model=gaussian", train={100: 30.0})
    terms = re.findall("<dt>targets: (.*?)</dt><dd>(.*?)\\.</dd>", build_report(directories(tmp_path)))
    assert [name for name, _ in terms] == [
        "dynamically binarised, p = grey/255", "grey/255, bernoulli p(x|z)", "grey/255, gaussian p(x|z)",
    ]  # fmt: skip
    assert "Bernoulli" in terms[1][1]
    assert "log-density" in terms[2][1]
    assert [name for name, _ in re.findall("<dt>targets: (.*?)</dt>()", build_report([gaussian]))] == ["grey/255"]


def test_a_density_takes_no_star_from_a_mass(tmp_path: Path) -> None:
    for mean, *overrides in (
        (-30.0, "seed=0"),
        (-31.0, "seed=1"),
        (90.0, "model=gaussian"),
        (80.0, "model=gaussian", "seed=1"),
    ):
        run = plant(tmp_path, "data=digits", *overrides, train={100: mean})
        value = {"mean": mean, "standard_error": 0.5}
        facts = {"name": "bound", "split": "test", "n": 10, "quantity": "bound", "settings": {}, "seed": 0}
        write_json(run / "evaluation" / "bound-test.json", {**facts, **value, "values": {"bound": value}})
    page = build_report(rows_of(tmp_path))
    assert re.findall(r'class="n best"[^>]*>([^<\n]*)', page) == ["90.00 ± 0.50", "-30.00 ± 0.50"]


def test_the_window_of_the_training_bound_is_that_of_the_runs(tmp_path: Path) -> None:
    def sentence(*names: str) -> str:
        text = " ".join("".join(Page(build_report([tmp_path / name for name in names])).text).split())
        return re.findall("The training bound is the running mean over the last (.*?); the test", text)[0]

    plant(tmp_path, "latent_dim=3", train={100: -300.0})
    plant(tmp_path, "data=frey_face", train={100: -300.0})
    plant(tmp_path, "data=digits", train={100: -300.0})
    plant(tmp_path, "evaluation.train_window=5000", train={100: -300.0})
    plant(tmp_path, "data=digits", "evaluation.train_window=230000", train={100: -300.0})
    assert sentence("datadigits") == "50,000 samples"
    assert sentence("latent_dim3") == "230,000 samples, as the paper plots it"
    assert sentence("latent_dim3", "datafrey_face") == (
        "samples, 230,000 (MNIST) or 460,000 (Frey Face), as the paper plots it"
    )
    assert sentence("latent_dim3", "datadigits", "evaluation.train_window5000") == (
        "samples, 5,000 (MNIST), 50,000 (Digits 8×8) or 230,000 (MNIST, as the paper plots it)"
    )
    assert sentence("latent_dim3", "datadigits_evaluation.train_window230000") == (
        "samples, 230,000 (Digits 8×8; MNIST, as the paper plots it)"
    )


def test_the_highest_of_comparable_runs_is_named(folder: Path) -> None:
    for index, directory in enumerate(sorted(folder.glob("*latent_dim[25]_*"))):
        values = {
            name: {"mean": sign * (100.0 + index), "standard_error": 0.5} for name, sign in [("bound", -1), ("kl", 1)]
        }
        facts = {"name": "bound", "split": "test", "n": 10, "quantity": "bound", "settings": {}, "seed": 0}
        write_json(directory / "evaluation" / "bound-test.json", {**facts, **values["bound"], "values": values})
    page = build_report(rows_of(folder))
    assert re.findall(r'class="n best"[^>]*>([^<\n]*)', page) == ["-100.00 ± 0.50"]  # not the KL divergence
