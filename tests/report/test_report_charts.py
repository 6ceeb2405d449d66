"""The charts of a report of planted runs: what is drawn, what is named beside it, and the scale."""

import re
from pathlib import Path

import pytest

from aevb import runs
from aevb.report import build_report
from aevb.runs.status import directories, rows_of
from helpers.figure_runs import plant
from helpers.html_page import Page


def test_the_training_bound_of_a_run_that_diverged_sets_no_scale(folder: Path) -> None:
    train, test = {100: -300.0, 1000: -9.0, 10000: 4e5}, {100: -300.0, 1000: -4e3, 10000: -4e7}
    plant(folder, "data=digits", "latent_dim=2", "optimizer.lr=9", train=train, test=test)
    ticks = re.findall(r'text-anchor="end">(.*?)</g>', build_report(rows_of(folder)))
    assert ticks
    assert not any("·10⁵" in labels for labels in ticks)


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


def lowest_and_highest(page: str, chart: str) -> tuple[float, float]:
    """The outer labels of the vertical axis of a chart."""
    labels = re.findall(
        r">([^<]+)</text>", page.partition(f'id="{chart}"')[2].partition('text-anchor="end">')[2].partition("</g>")[0]
    )
    values = [float(label.replace("\N{MINUS SIGN}", "-")) for label in labels]
    return min(values), max(values)


def test_the_last_decade_has_the_scale_of_what_is_in_it(tmp_path: Path) -> None:
    plant(tmp_path, "data=digits", train={10**5: -200.0, 10**6: -120.0, 10**7: -104.0, 10**8: -100.0})
    plant(tmp_path, "data=digits", "optimizer.lr=0.02", train={10**5: -400.0, 10**6: -300.0})
    page = build_report(rows_of(tmp_path))
    assert lowest_and_highest(page, "chart-bound-end-0")[0] >= -110
    assert lowest_and_highest(page, "chart-bound-0")[0] < -200


def test_a_run_whose_bound_diverged_sets_no_scale_in_other_charts(tmp_path: Path) -> None:
    """A KL divergence that grows without limit rises; a KL divergence that falls is no run that diverged."""
    kl = {"0.01": (30, 12, 9), "0.02": (2, 900, 8e5)}
    for lr, bounds in (("0.01", (-200.0, -150.0, -120.0)), ("0.02", (-200.0, -1e3, -9e5))):
        points = (10**4, 10**5, 10**6)
        run = plant(tmp_path, "data=digits", f"optimizer.lr={lr}", train=dict(zip(points, bounds, strict=True)))
        rows = "".join(f"{p},{b},{b - 1},,{k}\n" for p, b, k in zip(points, bounds, kl[lr], strict=True))
        (run / "metrics.csv").write_text(f"samples_seen,train_bound,test_bound,test_reconstruction,test_kl\n{rows}")
    low, high = lowest_and_highest(build_report(rows_of(tmp_path)), "chart-kl-0")
    assert 8 <= low < high <= 13


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


def test_the_paper_is_named_where_it_is_drawn(folder: Path) -> None:
    assert "Black and grey" not in build_report(rows_of(folder))
    plant(folder, "latent_dim=20", train={100_000: -130.0, 1_000_000: -110.0})
    assert "Black and grey" in build_report(rows_of(folder))


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


def test_a_legend_is_in_the_order_of_its_numbers(tmp_path: Path) -> None:
    rates = ("0.01", "0.1", "0.003", "3e-05", "0.02")
    for lr in rates:
        plant(tmp_path, "data=digits", f"optimizer.lr={lr}", train={100: -30.0, 1000: -20.0})
    legend = build_report(rows_of(tmp_path)).partition('<ul class="legend"')[2].partition("</ul>")[0]
    assert re.findall(r"AEVB, lr ([\d.e-]+)<", legend) == sorted(rates, key=float)


def columns(run: Path, *names: str) -> None:
    """Give a run further columns of metrics.csv, 0.0625 at each of its two points."""
    head, *rows = (run / "metrics.csv").read_text().splitlines()
    lines = [",".join([head, *names]), *(",".join([row, *(["0.0625"] * len(names))]) for row in rows)]
    (run / "metrics.csv").write_text("\n".join(lines) + "\n")


def test_the_vertical_axis_names_what_is_not_in_nats(tmp_path: Path) -> None:
    columns(
        plant(tmp_path, "data=digits", train={100: -30.0, 1000: -20.0}),
        *("test_reconstruction_mean_square_error", "test_quadrature_log_px", "train_learning_rate"),
    )
    page = build_report(rows_of(tmp_path))
    for key, axis, end in (
        ("reconstruction_mean_square_error", "reconstruction mean square error", "0.0625"),
        ("quadrature_log_px", "nats", "0.06 nats"),
        ("learning_rate", "learning rate", "0.0625"),
    ):
        chart = page.partition(f'id="chart-{key}-0"')[2].partition("</svg>")[0]
        assert re.findall(r'transform="rotate[^>]*>([^<]+)<', chart) == [axis]
        assert f"At the end: AEVB {end} at 1,000 samples" in chart
    assert "<td>1,000<td>1<td>0.0625" in page


def test_columns_beyond_the_most_are_named(tmp_path: Path) -> None:
    names = [f"test_mine_{index}" for index in range(14)]
    columns(plant(tmp_path, "data=digits", train={100: -30.0, 1000: -20.0}), *names)
    page = build_report(rows_of(tmp_path))
    assert page.count('type="radio" name="view"') == 12
    assert "Not drawn, but in curves.csv: mine 10; mine 11; mine 12; mine 13." in page


def test_runs_that_differ_in_a_key_of_one_of_them_are_no_seeds(tmp_path: Path) -> None:
    for overrides, bound in (([], -100.0), (["+model.decoder.min_std=0.05"], -200.0)):
        plant(tmp_path, "data=frey_face", "latent_dim=3", *overrides, train={100: -500.0, 1000: bound})
    page = build_report(rows_of(tmp_path))
    assert re.search(r"At the end: AEVB -101.00 nats [^;]*; AEVB, model.decoder.min_std=0.05 -201.00 nats", page)


def test_one_run_is_not_called_several(tmp_path: Path) -> None:
    plant(tmp_path, "data=digits", train={100: -30.0, 1000: -20.0})
    page = build_report(rows_of(tmp_path))
    assert "Nothing: there is one run." in page
    assert "settings are the same in all runs" not in page
    plant(tmp_path, "data=digits", "seed=1", train={100: -30.0, 1000: -20.0})
    assert "settings are the same in all runs" in build_report(rows_of(tmp_path))
