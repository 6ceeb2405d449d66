"""The report of planted runs: what is in it, what must never be, and that the same runs give the same bytes."""

import base64
import csv
import gzip
import io
import json
import os
import re
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from aevb import runs
from aevb.console import forks
from aevb.files.atomic import write_json
from aevb.report import Options, build, build_report
from aevb.report.images import Picture
from aevb.runs.status import Row, directories, row, rows_of
from helpers.figure_runs import plant
from helpers.html_page import Page

HOSTILE = "</script><img src=x onerror=alert(1)>"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three seeds at two latent dimensions, and a failed and a damaged run, with hostile text."""
    for latent_dim in (2, 5):
        for seed in (0, 1, 2):
            train = {100: -300.0 - seed, 1000: -200.125 - seed, 10000: -150.0625 + latent_dim - seed}
            plant(tmp_path, "data=digits", f"latent_dim={latent_dim}", f"seed={seed}", train=train)
    failed = plant(tmp_path, "data=digits", "latent_dim=10", train={100: -310.0}, finish=False)
    runs.mark_failed(
        failed, f'Traceback\n  File "/home/alice/aevb/x.py"\nValueError: {HOSTILE} on node17.example.org\n'
    )
    write_json(
        failed / "manifest.json",
        {"versions": {"torch": "2.9"}, "starts": [{"time": "2026-01-02T03:04:05+00:00", "host": "node17.example.org",
         "pid": 1, "command": "aevb-train data.root=/scratch/alice/mnist"}]},
    )  # fmt: skip
    damaged = plant(tmp_path, "data=digits", "latent_dim=20", train={100: -310.0})
    (damaged / "metrics.csv").write_text("samples_seen,train_bound\nx,y\n")
    (plant(tmp_path, "data=digits", "latent_dim=3", train={100: -1.0}) / "config.yaml").write_text("{")
    return tmp_path


PICTURE = Picture("samples", 100, 8, 8, b"\x89PNG")


def unpacked(page: str, name: str) -> str:
    links = {
        str(attributes.get("download")): str(attributes["href"]) for tag, attributes in Page(page).tags if tag == "a"
    }
    packed = f"{name}.gz" in links
    raw = base64.b64decode(links[f"{name}.gz" if packed else name].partition("base64,")[2])
    return (gzip.decompress(raw) if packed else raw).decode()


def download(page: str, name: str) -> str:
    links = [attributes for tag, attributes in Page(page).tags if tag == "a" and attributes.get("download") == name]
    return base64.b64decode(str(links[0]["href"]).partition("base64,")[2]).decode()


def test_the_page_is_well_formed_and_refers_to_nothing_outside(folder: Path) -> None:
    page = Page(build_report(rows_of(folder)))
    assert page.open == []
    for tag, attributes in page.tags:
        for name in ("src", "href", "action", "srcset", "data"):
            assert (attributes.get(name) or "#").startswith(("#", "data:")), (tag, name)
        assert not any(name.startswith("on") or name == "style" for name in attributes)
    identifiers = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))


def test_the_same_runs_give_the_same_bytes(folder: Path) -> None:
    assert build_report(rows_of(folder)) == build_report(rows_of(folder))


def test_several_processes_give_the_same_bytes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alone, forks_before = build_report(rows_of(folder)), []
    monkeypatch.setattr(forks, "_cores", lambda: 2)
    monkeypatch.setattr(forks, "FEWEST", 1)
    monkeypatch.setattr(build, "MANY", 0)
    fork = os.fork
    monkeypatch.setattr(os, "fork", lambda: forks_before.append(1) or fork())
    assert build_report(directories(folder)) == alone
    assert len(forks_before) == 3  # for the records, for the charts and for the comparison with the paper


def test_hostile_text_is_text(folder: Path) -> None:
    page = build_report(rows_of(folder), Options(title=HOSTILE))
    assert HOSTILE not in page
    assert not any(attributes.get("src") == "x" for _, attributes in Page(page).tags)
    assert HOSTILE in "".join(Page(page).text)
    (policy,) = [a["content"] for _, a in Page(page).tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy


def test_private_names_are_removed(folder: Path) -> None:
    page = build_report(rows_of(folder), Options(redact=re.compile("scratch")))
    everything = page + download(page, "report.json")
    for name in ("alice", "node17", "scratch"):
        assert name not in everything
    assert "~/aevb/x.py" in page


def test_every_run_is_there_and_says_what_is_wrong(folder: Path) -> None:
    page = build_report(rows_of(folder))
    text = " ".join("".join(Page(page).text).split())
    assert "7 partial 2 failed" in text
    assert "damaged:" in text
    assert "metrics.csv: " in text
    assert text.count("ValueError:") >= 2  # in the head, and the traceback


def test_a_table_that_is_no_text_is_named(folder: Path) -> None:
    (plant(folder, "data=digits", "latent_dim=7", train={100: -1.0}) / "metrics.csv").write_bytes(b"\xe9\xff")
    text = " ".join("".join(Page(build_report(rows_of(folder))).text).split())
    assert "latent_dim7/metrics.csv: damaged ('utf-8' codec" in text


def test_a_config_that_is_damaged_is_named_once(tmp_path: Path) -> None:
    (plant(tmp_path, "data=digits", train={100: -1.0}) / "config.yaml").write_text("{")
    page = build_report(rows_of(tmp_path))
    head = page[page.index("<header>") : page.index("</header>")]
    assert head.count("config.yaml: not a config") == 1


def test_the_training_bound_of_a_run_that_diverged_sets_no_scale(folder: Path) -> None:
    train, test = {100: -300.0, 1000: -9.0, 10000: 4e5}, {100: -300.0, 1000: -4e3, 10000: -4e7}
    plant(folder, "data=digits", "latent_dim=2", "optimizer.lr=9", train=train, test=test)
    ticks = re.findall(r'text-anchor="end">(.*?)</g>', build_report(rows_of(folder)))
    assert ticks
    assert not any("·10⁵" in labels for labels in ticks)


def test_a_run_that_repeats_a_seed_is_named_and_not_counted(folder: Path) -> None:
    once = download(build_report(rows_of(folder)), "curves.csv")
    again = plant(folder, "data=digits", "latent_dim=2", "seed=0", "max_samples=20000", train={100: -300.0})
    page = build_report(rows_of(folder))
    assert f"{again.name}: the settings and the seed of datadigits_latent_dim2_seed0, so it is not counted" in page
    assert "(3 seeds)" in page
    assert "(4 seeds)" not in page
    assert len(download(page, "curves.csv").splitlines()) == len(once.splitlines()) + 1


def test_a_run_that_diverged_is_named_where_its_curve_is_not_in_view(folder: Path) -> None:
    assert "Not in view" not in build_report(rows_of(folder))
    train = {100: -300.0, 1000: -9000.0}
    diverged = plant(folder, "data=digits", "latent_dim=5", "optimizer.lr=9", train=train, finish=False)
    reason = f"training diverged at samples_seen=1000: {'weight, ' * 50}not finite"
    runs.mark_failed(diverged, f"Traceback\naevb.training.divergence.Diverged: {reason}\n")
    text = " ".join("".join(Page(build_report(rows_of(folder))).text).split())
    assert text.count("Not in view: AEVB, lr 9") >= 1
    assert f"{diverged.name}, 1,000 of 1,000,000 samples: training diverged at samples_seen=1000: weight" in text
    assert text.count(reason) == 2  # in the details and the traceback, and cut in the head


def test_runs_that_were_evaluated_once_are_ranked(tmp_path: Path) -> None:
    for name, bound in (("iwae", -30.0), ("sgvb_b", -20.5), ("wake_sleep", -25.0)):
        plant(tmp_path, "data=digits", f"objective={name}", train={1000: bound + 1}, test={1000: bound})
    page = build_report(rows_of(tmp_path))
    chart = page.partition('id="chart-bound-0"')[2].partition("</svg>")[0]
    assert re.findall(r"<title>(\S+): (-[\d.]+)</title>", chart) == [
        ("AEVB", "-20.50"), ("wake-sleep", "-25.00"), ("importance-weighted", "-30.00"),
    ]  # fmt: skip
    assert "at 1,000 samples" in page
    assert "last decade" not in page


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


def test_runs_without_any_result(tmp_path: Path) -> None:
    page = build_report([row(tmp_path / name, 1000, f"latent_dim={name}") for name in "25"])
    assert "2 missing" in page
    plant(tmp_path / "one", "data=digits", train={100: -300.0, 1000: -200.0})
    assert "Band over seeds" not in build_report(rows_of(tmp_path / "one"))
    assert build_report([Row(str(tmp_path / "2"), "missing")])


def test_details_and_images_are_dropped_before_the_page_grows(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aevb.report.build.MOST_DETAILS", 2)
    page = build_report(rows_of(folder))
    assert "The details of 7 runs were left out" in page
    assert page.count('class="run"') == 2
    assert 'id="row-8"' in page


def test_images_are_left_out_only_of_runs_that_have_some(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = plant(folder, "data=digits", "latent_dim=7", train={100: -1.0})
    (run / "tb").mkdir()
    assert "left out to keep" not in build_report(rows_of(folder))
    monkeypatch.setattr(build, "read_images", lambda directory, _: [PICTURE] if directory == run else [])
    assert "left out to keep" not in build_report(rows_of(folder))
    monkeypatch.setattr(build, "IMAGE_BYTES", 1)
    assert "The images of 1 run were left out to keep" in build_report(rows_of(folder))


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


def test_a_training_bound_without_a_test_bound_is_drawn(tmp_path: Path) -> None:
    """As of the runs of Figure 3, which have log p(x) by quadrature in the place of a test bound."""
    run = plant(tmp_path, "data=mnist", "latent_dim=3", train={10000: -200.0, 100000: -170.0, 1000000: -150.0})
    (run / "metrics.csv").write_text(
        "samples_seen,train_bound,test_bound\n10000,-200.0,\n100000,-170.0,\n1000000,-150.0,\n"
    )
    page = build_report([run])
    assert re.search(r"<desc[^>]*>lower bound of the train split[^<]*At the end: AEVB -150", page)


def test_each_family_of_the_likelihood_has_a_chart_of_its_own(tmp_path: Path) -> None:
    """A log-mass and a log density share no scale, and the paper's curves on MNIST are of Bernoulli decoders."""
    plant(tmp_path, "data=mnist", "latent_dim=3", train={10000: -200.0, 1000000: -150.0})
    plant(tmp_path, "data=mnist", "latent_dim=3", "model=gaussian", train={10000: 300.0, 1000000: 900.0})
    plant(tmp_path, "data=mnist", "latent_dim=5", "model=gaussian", train={10000: 300.0, 1000000: 900.0})
    page = build_report(directories(tmp_path))
    titles = {"MNIST, latent_dim 3, bernoulli p(x|z)", "MNIST, latent_dim 3, gaussian p(x|z)", "MNIST, latent_dim 5"}
    charts = {
        title: set(re.findall(rf"<svg[^>]*>(?:(?!</svg>).)*<title>{re.escape(title)}:.*?</svg>", page, re.DOTALL))
        for title in titles
    }
    assert all(charts.values())
    with_paper = {title for title, drawn in charts.items() if any('class="paper ' in svg for svg in drawn)}
    assert with_paper == {"MNIST, latent_dim 3, bernoulli p(x|z)"}


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


def test_the_paper_is_named_where_it_is_drawn(folder: Path) -> None:
    assert "Black and grey" not in build_report(rows_of(folder))
    plant(folder, "latent_dim=20", train={100_000: -130.0, 1_000_000: -110.0})
    assert "Black and grey" in build_report(rows_of(folder))


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


@pytest.mark.parametrize(("points", "ends"), [((10**4, 2 * 10**4), "10000 20000"), ((10**2, 10**6), "1000 1e+06")])
def test_curves_fill_the_width_of_their_chart(points: tuple[int, ...], ends: str, tmp_path: Path) -> None:
    plant(tmp_path, "data=digits", train={point: -299.0 + 99 * index for index, point in enumerate(points)})
    page = build_report(rows_of(tmp_path))
    (plot,) = re.findall(r'data-plot="\d+ \d+ (.*?)" id="chart-bound-0"', page)
    assert plot == ends  # at most three decades
    labels = page.partition('id="chart-bound-0"')[2].partition('text-anchor="middle"')[0]
    assert ("−300" in labels) == (points[0] == 10**4)  # the test bound begins there; a long curve may be cut


def test_a_legend_tells_the_lines_of_its_panel_apart(tmp_path: Path) -> None:
    """A page may have more lines than there are colours; those of one panel have colours of their own."""
    for latent_dim, widths in ((3, range(10, 18)), (5, range(20, 28))):
        for hidden_dim in widths:
            train = {100: -300.0, 1000: -200.0}
            plant(tmp_path, "data=digits", f"latent_dim={latent_dim}", f"hidden_dim={hidden_dim}", train=train)
    plant(tmp_path, "data=digits", "latent_dim=10", "hidden_dim=30", train=train)
    page = build_report(rows_of(tmp_path))
    figures = re.findall("<figure><figcaption>(Digits.*?)</figure>", page, re.DOTALL)
    legends = [re.findall(r'class="swatch line (s\d)".*?</svg> (.*?)</button>', figure) for figure in figures]
    labels = [[label for _, label in legend] for legend in legends]
    assert labels[:3] == [
        [f"AEVB, hidden_dim={width}" for width in range(10, 18)],
        [f"AEVB, hidden_dim={width}" for width in range(20, 28)],
        ["AEVB"],
    ]
    assert all(len({style for style, _ in legend}) == len(legend) for legend in legends)
    assert page.count('class="legend"') == len(figures)


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


def test_runs_whose_config_names_no_options_are_shown(folder: Path) -> None:
    """As a run that was prepared in Python; a figure leaves it out, and names what is missing."""
    for run in directories(folder)[:2]:
        config = runs.read_settings(run)
        del config["choices"]
        (run / "config.yaml").write_text(OmegaConf.to_yaml(config))
    page = build_report(rows_of(folder))
    assert "no curve, its config has no &#39;choices&#39;" in page
