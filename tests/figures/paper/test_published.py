"""The paper's curves as packaged, against the table made from the same vector graphics independently (science.md, section 2a)."""

import math

import numpy as np
import pytest

from aevb.figures.paper.published import figure2, figure3, panel

POINTS = (5e5, 1e6, 2e6, 5e6, 1e7, 2e7, 5e7, 1e8)

TABLE = {  # nats at PLACES; None: not in the table
    ("mnist", 3, "aevb", "test"): (-162.5, -152.95, -146.2, -141.2, -137.98, -135.8, -134.0, -133.38),
    ("mnist", 3, "aevb", "train"): (-169.4, -155.3, -147.4, -141.9, -138.31, -135.3, -132.2, -130.26),
    ("mnist", 3, "wake_sleep", "test"): (-161.3, -155.05, -150.7, -147.0, -144.80, -142.9, -140.5, -138.90),
    ("mnist", 5, "aevb", "test"): (-148.7, -138.92, -132.1, -126.6, -124.11, -122.0, -120.1, -119.12),
    ("mnist", 5, "wake_sleep", "train"): (-160.3, -145.6, -136.7, -131.0, -128.15, -125.9, -123.6, -122.19),
    ("mnist", 10, "aevb", "test"): (-137.4, -128.34, -119.6, -111.9, -108.51, -106.2, -104.5, -103.68),
    ("mnist", 10, "wake_sleep", "test"): (-146.3, -134.9, -125.7, -117.4, -113.52, -110.9, -108.6, -107.57),
    ("mnist", 20, "aevb", "test"): (-137.9, -124.22, -115.9, -108.3, -104.76, -102.7, -101.0, -100.17),
    ("mnist", 20, "aevb", "train"): (-151.5, -126.4, -116.7, -108.1, -104.19, -101.7, -99.4, -98.25),
    ("mnist", 20, "wake_sleep", "test"): (-148.0, -130.9, -120.0, -111.6, -108.25, -106.6, -105.4, -104.60),
    ("mnist", 200, "aevb", "test"): (-133.8, -119.87, -111.6, -106.3, -103.90, -102.3, -100.9, -100.25),
    ("mnist", 200, "wake_sleep", "train"): (-157.1, -133.5, -119.4, -112.3, -108.96, -107.0, -105.0, -103.98),
    ("frey_face", 2, "aevb", "test"): (650, 673, 707, 801, 822.6, 844, 866, 872.4),
    ("frey_face", 5, "aevb", "train"): (479, 729, 867, 1000, 1076.1, 1130, 1190, 1233.5),
    ("frey_face", 10, "aevb", "test"): (689, 792, 909, 1039, 1171.4, 1257, 1301, 1307.1),
    ("frey_face", 20, "aevb", "test"): (657, 754, 895, 1083, 1200.1, 1261, 1304, 1312.4),
    ("frey_face", 20, "wake_sleep", "test"): (None, 568, None, None, None, None, None, 569.1),
}


@pytest.mark.parametrize("key", TABLE, ids=lambda key: "-".join(map(str, key)))
def test_interpolation_in_log_x_gives_the_table_of_the_paper(key):
    tolerance = 0.06 if key[0] == "mnist" else 0.6
    for point, expected in zip(POINTS, TABLE[key], strict=True):
        if expected is not None:
            assert figure2()[key].at(point) == pytest.approx(expected, abs=tolerance)


def test_figure_3_gives_the_table_of_the_paper():
    assert figure3()[1000, "aevb", "test"].at(1e7) == pytest.approx(-142.9, abs=0.06)
    assert figure3()[1000, "mcem", "train"].at(6e7) == pytest.approx(-109.2, abs=0.06)
    assert figure3()[50000, "aevb", "train"].at(2e7) == pytest.approx(-133.6, abs=0.06)


def test_no_value_outside_the_first_and_last_vertex():
    for polyline in figure2().values():
        assert polyline.samples_seen[0] > 1.8e5
        assert math.isnan(polyline.at(0.999 * polyline.samples_seen[0]))
        assert math.isnan(polyline.at(1.001 * polyline.samples_seen[-1]))
        assert polyline.at(polyline.samples_seen[0]) == polyline.value[0]


def test_of_a_curve_plotted_twice_the_final_polyline_counts():
    polyline = figure2()["mnist", 3, "wake_sleep", "test"]
    assert polyline.samples_seen[0] == 247_400  # the aborted one begins at 241,100 and has 4 vertices
    assert len(polyline.value) == 573


def test_a_curve_is_cut_where_the_axis_ends():
    for _, _, polyline in panel("mnist", 20, 1e6):
        assert polyline.samples_seen[-1] == 1e6
        assert np.all(np.diff(polyline.samples_seen) > 0)
    assert {key[:2] for key in [*panel("mnist", 20, 1e6)]} == {
        (algorithm, split) for algorithm in ("aevb", "wake_sleep") for split in ("train", "test")
    }
    assert not [*panel("mnist", 7, 1e6)]
    assert not [*panel("mnist", 20, 1e5)]
