"""The report of planted runs: what is in it, what must never be, and that the same runs give the same bytes."""

import os
import re
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from aevb import runs
from aevb.console import forks
from aevb.report import Options, build, build_report
from aevb.report.images import Picture
from aevb.runs.status import Row, directories, row, rows_of
from helpers.figure_runs import plant
from helpers.html_page import HOSTILE, Page, download

PICTURE = Picture("samples", 100, 8, 8, b"\x89PNG")


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


def test_runs_whose_config_names_no_options_are_shown(folder: Path) -> None:
    """As a run that was prepared in Python; a figure leaves it out, and names what is missing."""
    for run in directories(folder)[:2]:
        config = runs.read_settings(run)
        del config["choices"]
        (run / "config.yaml").write_text(OmegaConf.to_yaml(config))
    page = build_report(rows_of(folder))
    assert "no curve, its config has no &#39;choices&#39;" in page
