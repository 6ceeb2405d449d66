"""The table of docs/iwae beside Table 1 of Burda et al.: what it reads of runs, and what it says of them."""

import json

import pytest
from sitegen import iwae_table


@pytest.fixture
def runs(tmp_path, monkeypatch):
    monkeypatch.setattr(iwae_table, "RUNS", tmp_path)

    def add(k: int, log_px: float, samples: int = 18_200_000) -> None:
        folder = tmp_path / f"{k}-{samples}" / "evaluation"
        folder.mkdir(parents=True)
        lines = f"objective: {{samples: {k}}}\ndata: {{n_train: 50000}}\n"
        (folder.parent / "DONE").write_text(json.dumps({"samples_seen": samples, "training_seconds": 3600 * k}))
        (folder.parent / "config.yaml").write_text(lines)
        values = {"importance-test-k5000": log_px, "bound-test": log_px - 2, "information-test": 4.6}
        for name, mean in values.items():
            record = {"mean": mean, "standard_error": 0.3, "active_units": 20 + k, "share_above_threshold": 0.9}
            (folder / f"{name}.json").write_text(json.dumps(record))

    return add


def test_a_line_for_each_k_beside_the_published_values(runs):
    runs(5, -87.0)
    runs(1, -88.0)
    runs(1, -86.5, samples=164_000_000)
    lines = iwae_table.iwae_table().splitlines()[2:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert cells == [
        ["1", "364", "\u221290.00", "\u221288.00", "\u221286.76", "\u22121.24", "21", "19", "1.0"],
        ["1", "3,280", "\u221288.50", "\u221286.50", "\u221286.76", "0.26", "21", "19", "1.0"],
        ["5", "364", "\u221289.00", "\u221287.00", "\u221285.54", "\u22121.46", "25", "22", "5.0"],
    ]


def test_the_order_is_that_of_the_runs_with_the_same_number_of_passes(runs, tmp_path):
    runs(1, -88.0)
    part = "After 364 of 3,280 passes, 11% of the training, ours minus the published log p(x) is"
    assert f"**{part} \u22121.24 nats (K = 1)**." in _text()
    runs(5, -87.0)
    assert f"**{part} \u22121.24 nats (K = 1) and \u22121.46 nats (K = 5)**." in _text()
    assert "**K = 5 has +1.00 nats against K = 1**, as published (+1.22)." in _text()
    assert "90% (K = 1) and 90% (K = 5) of the images" in _text()
    runs(50, -87.5)
    assert "**K = 50 has \u22120.50 nats against K = 5**, against the published order (+0.76)." in _text()
    runs(1, -86.5, samples=164_000_000)
    whole = "**After 3,280 passes, all of the training, ours minus the published log p(x) is +0.26 nats (K = 1)**."
    assert _text().index(whole) < _text().index(part)
    assert _text().count(" against K = 1**") == 1
    assert "After 3,280 passes Pareto k is above the threshold for 90% (K = 1) of the images" in _text()
    assert "training images" not in _text()
    for name, mean in {"train-k5000-first10000": -85.25, "valid-k5000": -87.0}.items():
        (tmp_path / "1-164000000" / "evaluation" / f"importance-{name}.json").write_text(json.dumps({"mean": mean}))
    known = "training images is \u221285.25, that of the validation images \u221287.00: the model overfits by 1.2 to 1.8 nats"
    assert known in _text()


def test_the_readme_names_the_runs_with_all_of_the_training(runs):
    runs(5, -87.0)
    runs(1, -86.5, samples=164_000_000)
    assert iwae_table.iwae_sentence().endswith(
        "passes: log p(x) \u221286.50 with K = 1 (theirs \u221286.76), one seed."
    )


def _text() -> str:
    return " ".join(iwae_table.iwae_table_text().split())
