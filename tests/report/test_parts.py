"""The parts of the report, each against an answer that is known without it."""

import math
import re
import struct
import time
import zlib
from pathlib import Path

import numpy as np
import pytest

from aevb.data.target_convention import TargetConvention
from aevb.report.differing import Differing, differing_settings
from aevb.report.images import read_images
from aevb.report.page import resource
from aevb.report.panels import MOST_LINES, STYLES
from aevb.report.records import RunRecord, redacted
from aevb.report.redaction import Redaction
from aevb.report.scales import Scale, linear_ticks, log_ticks, power_of_ten, short_number
from aevb.report.statistics import summarise
from aevb.report.svg import area, element, path
from aevb.runs.status import Row


def test_summary_of_seeds() -> None:
    long = (np.array([1, 10, 100]), np.array([1.0, 4.0, 9.0]))
    short = (np.array([1, 10]), np.array([3.0, 8.0]))
    summary = summarise([long, short])
    assert summary.samples_seen.tolist() == [1, 10, 100]
    assert summary.mean.tolist() == [2.0, 6.0, 9.0]
    assert (summary.low.tolist(), summary.high.tolist()) == ([1, 4, 9], [3, 8, 9])
    assert summary.seeds.tolist() == [2, 2, 1]
    assert summary.deviation == pytest.approx([np.std([1, 3], ddof=1), np.std([4, 8], ddof=1), 0])
    half = math.tan(0.475 * math.pi) * np.std([1, 3], ddof=1) / np.sqrt(2)
    assert summary.half_width()[:2] == pytest.approx([half, 2 * half], rel=1e-4)
    assert np.isnan(summary.half_width()[2])


@pytest.mark.filterwarnings("error")
def test_the_deviation_of_huge_values_is_infinite_without_a_warning() -> None:
    high, low, longer = ((np.arange(len(values)), np.array(values)) for values in ([1e300], [-1e300], [-1e300, 1.0]))
    assert np.isinf(summarise([high, low]).deviation).all()
    assert np.isinf(summarise([high, longer]).deviation[0])


def test_values_that_were_not_computed_are_left_out() -> None:
    summary = summarise([(np.array([1, 2]), np.array([np.nan, 5.0]))])
    assert summary.samples_seen.tolist() == [2]
    assert summarise([]).mean.tolist() == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/home/alice/runs/a", "~/runs/a"),
        (f"root={Path('/', 'root', 'data')}", "root=~/data"),
        ("data.root=null", "data.root=null"),
        ("/scratch/alice/mnist", "/scratch/user/mnist"),
        ("trained on node17.lab.org by alice@node17", "trained on host by [redacted]"),
        ("10.0.0.7:29500", "[redacted]:29500"),
        ("torch 2.14.1+cpu", "torch 2.14.1+cpu"),
        ("api_key=abc def", "api_key=[redacted] def"),
        ("tokens=50 optimizer=adam", "tokens=50 optimizer=adam"),
        ("the secret project", "the secret project"),
        ("C:\\Users\\alice\\runs", "~\\runs"),
        ("codename", "[redacted]"),
    ],
)
def test_redaction(text: str, expected: str) -> None:
    redaction = Redaction(["/home/alice/x"], ["node17.lab.org"], re.compile("codename"))
    assert redaction.text(text) == expected


@pytest.mark.parametrize("word", ["x", "1", "_", "a-", "1.", "x@", "/home/"])
def test_redaction_of_a_long_word_takes_no_time(word: str) -> None:
    start = time.process_time()
    Redaction([], ["host"]).text(word * 60_000)
    assert time.process_time() - start < 5  # a pattern that looks back from every character takes minutes


def test_redaction_of_nested_values() -> None:
    redaction = Redaction([], [], None)
    assert redaction.value({"a": [{"path": "/home/bob/x"}], "api_key": "k", "seed": 1}) == {
        "a": [{"path": "~/x"}], "api_key": "[redacted]", "seed": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("pattern", "left"),
    [
        ("grey", []),
        ("kind", []),
        ("scale", []),
        ("target_convention", ["targets"]),
        ("secret", ["targets", "target_convention"]),
        ("7", ["targets", "target_convention"]),
    ],
)
def test_a_word_of_the_convention_of_the_targets_can_be_removed(pattern: str, left: list[str]) -> None:
    convention = {"kind": "grey", "scale": 255, "description": "", "remark": "secret set 7"}
    facts = {"samples_seen": 1, "targets": "grey/255, secret set 7", "target_convention": convention}
    record = RunRecord(Path("run"), Row("run", "done"), facts=facts)
    public = redacted(record, Redaction([], [], re.compile(pattern))).facts
    assert [key for key in ("targets", "target_convention") if key in public] == left
    TargetConvention.of_run(public)  # is not refused
    assert not re.search(pattern, str(list(public.values())))


def test_a_name_of_targets_is_not_redacted_into_that_of_others() -> None:
    # Runs of version 0.1 have recorded the name alone, and one of an unknown form would describe real targets.
    record = RunRecord(Path("run"), Row("run", "done"), facts={"samples_seen": 1, "targets": "grey/255"})
    assert redacted(record, Redaction([], [], re.compile("255"))).facts == {"samples_seen": 1}


def test_settings_that_only_repeat_another_are_left_out() -> None:
    runs = [
        {
            "data": data,
            "data.scale": scale,
            "latent_dim": j,
            "model.encoder.latent_dim": j,
            "optimizer.lr": lr,
            "new": new,
        }
        for data, scale in (("mnist", "255"), ("frey_face", "256"))
        for j in ("2", "5")
        for lr in ("0.1", "0.01")
        for new in ("1",)
    ]
    del runs[0]["new"]
    settings = differing_settings(runs)
    assert [item.key for item in settings] == ["data", "latent_dim", "optimizer.lr"]
    assert settings[1].values == {"2": 4, "5": 4}
    shown = Differing("lr", {"absent": 9, "0.1": 7, "1e-3": 3, "0.02": 1}).in_order
    assert list(shown.items()) == [("1e-3", 3), ("0.02", 1), ("0.1", 7), ("absent", 9)]


def test_a_key_of_some_runs_alone_is_shown_unless_it_has_its_default_or_goes_with_a_choice() -> None:
    encoder = {"model": "bernoulli", "model.encoder._target_": "aevb.models.gaussian.GaussianEncoder"}
    plain, older = {**encoder, "model.encoder.activation": "tanh"}, encoder
    noise = {**plain, "model.encoder.variance": "0.1"}
    assert [item.key for item in differing_settings([plain, noise, noise])] == ["model.encoder.variance"]
    assert differing_settings([plain, older]) == []
    point = {**plain, "objective": "autoencoder", "model.encoder.variance": "0"}
    assert [item.key for item in differing_settings([plain | {"objective": "sgvb_b"}, point])] == ["objective"]


def test_scales_and_ticks() -> None:
    x = Scale(1e4, 1e7, 50, 350, logarithmic=True)
    assert [x(10.0**k) for k in (4, 5, 6, 7)] == pytest.approx([50, 150, 250, 350])
    assert log_ticks(3e3, 1e6) == [1e4, 1e5, 1e6]
    assert log_ticks(2e3, 2e4) == [2e3, 5e3, 1e4, 2e4]  # one label alone would not say what the axis measures
    assert [log_ticks(3e4, 7e4), log_ticks(1e4, 1.1e4)] == [
        [3e4, 4e4, 5e4, 6e4, 7e4],
        [1e4, 1.02e4, 1.04e4, 1.06e4, 1.08e4, 1.1e4],
    ]
    assert linear_ticks(-131, -99) == [-130, -120, -110, -100]
    assert (power_of_ten(1e6), power_of_ten(100.0), short_number(-120.0)) == ("10⁶", "100", "−120")
    assert [power_of_ten(2000.0), short_number(-4e5), short_number(1.2e6), short_number(1e-7)] == [
        "2·10³", "−4·10⁵", "1.2·10⁶", "10⁻⁷",
    ]  # fmt: skip


def test_svg_is_escaped_and_breaks_at_gaps() -> None:
    assert (
        element("text", "<b>&", class_="x", data_line='"') == '<text class="x" data-line="&#34;">&lt;b&gt;&amp;</text>'
    )
    assert path([(0.0, 1.0), (1.26, 2.0), (2.0, float("nan")), (3.0, 4.0)]) == "M0 1l1.3 1M3 4"
    assert area([(0.0, 1.0, 2.0), (1.0, 1.5, 2.5)]) == "M0 2l1 .5L1 1.5l-1-.5Z"


def png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes(height * (width + 1)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_the_newest_image_of_every_tag_is_read(tmp_path: Path) -> None:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.summary.writer.record_writer import RecordWriter

    folder = tmp_path / "tb"
    folder.mkdir()
    file = folder / "events.out.tfevents.1"
    with file.open("wb") as stream:
        writer = RecordWriter(stream)
        for step, data in ((100, png(3, 2)), (1000, png(5, 4)), (2000, b"no image")):
            event = Event(step=step)
            event.summary.value.add(tag="samples").image.encoded_image_string = data
            writer.write(event.SerializeToString())
    file.write_bytes(file.read_bytes() + struct.pack("<Q", 1 << 60) + b"torn by a kill")
    (picture,) = read_images(tmp_path, 6)
    assert (picture.samples_seen, picture.width, picture.height) == (1000, 5, 4)
    assert picture.png == png(5, 4)
    assert read_images(tmp_path, 0) == []


def test_every_line_of_a_panel_has_a_colour_and_a_dash_of_its_own() -> None:
    css = resource("page.css")
    assert STYLES >= MOST_LINES
    colours = {
        int(n): c
        for names, c in re.findall(r"([.s\d,]+)\{color:var\((--c\d)\)\}", css)
        for n in re.findall(r"\d+", names)
    }
    dashes = {
        int(n): dash
        for names, dash in re.findall(r"((?:\.s\d+ \.mean\.main,?)+)\{stroke-dasharray:([\d ]+)\}", css)
        for n in re.findall(r"\d+", names)
    }
    assert len({(colours[style], dashes.get(style)) for style in range(STYLES)}) == STYLES
