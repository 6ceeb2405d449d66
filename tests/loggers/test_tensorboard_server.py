"""What TensorBoard answers about a finished sweep, by the routes that its pages ask."""

import io
import json
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from aevb.runs.run import Run

LOG_PX = "log_px/K=5, first 100 test images"
CURVES = {
    "bound/train": "train_bound",
    "bound/test": "test_bound",
    "reconstruction/test": "test_reconstruction",
    "kl/test": "test_kl",
    LOG_PX: "test_log_px",
}
POINTS = [100, 200, 300, 500, 1000, 2000, 3000, 5000, 10_000, 20_000]


@pytest.fixture(scope="session")
def fetch(tensorboard: str, sweep: dict[str, Path]) -> Callable[..., Any]:
    """GET (or POST, if there is a `body`) of a route below data/, answered by bytes or JSON."""

    def fetch(route: str, body: dict[str, Any] | None = None, **query: str) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{tensorboard}data/{route}?{urllib.parse.urlencode(query)}", data)
        request.add_header("Content-Type", "application/json")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=30) as answer:
            text = answer.read()
            return json.loads(text) if "json" in answer.headers["Content-Type"] else text

    for _ in range(120):  # it answers before it has read everything
        tags = fetch("plugin/scalars/tags")
        if set(tags) == set(sweep) and all("final/bound" in points for points in tags.values()):
            return fetch
        time.sleep(0.25)
    pytest.fail(f"TensorBoard has not read the sweep: {tags}")


def test_every_run_is_there(fetch: Callable[..., Any], sweep: dict[str, Path]) -> None:
    assert set(fetch("runs")) == set(sweep)


def test_every_tab_is_there(fetch: Callable[..., Any]) -> None:
    wanted = {"timeseries", "scalars", "custom_scalars", "images", "text", "hparams", "projector"}
    for _ in range(120):  # the projector looks for its files in a thread of its own
        plugins = {name for name, plugin in fetch("plugins_listing").items() if plugin["enabled"]}
        if plugins >= wanted:
            break
        time.sleep(0.25)
    assert plugins >= wanted
    assert not plugins & {"graphs", "histograms", "audio", "mesh"}


@pytest.mark.parametrize("tag", CURVES)
def test_curves_are_those_of_metrics_csv(fetch: Callable[..., Any], sweep: dict[str, Path], tag: str) -> None:
    for run, directory in sweep.items():
        points = np.array(fetch("plugin/scalars/scalars", run=run, tag=tag))  # wall time, step, value
        metrics = Run(directory).metrics()
        assert points[:, 1].tolist() == metrics["samples_seen"].tolist() == POINTS
        np.testing.assert_allclose(points[:, 2], metrics[CURVES[tag]], rtol=1e-6)


def test_one_chart_shows_all_bounds(fetch: Callable[..., Any], sweep: dict[str, Path]) -> None:
    (category,) = fetch("plugin/custom_scalars/layout")["category"]
    chart, band = category["chart"]
    assert "K=5" in chart["title"]
    assert chart["multiline"]["tag"] == ["bound/train", "bound/test", LOG_PX]
    for tag in chart["multiline"]["tag"]:  # to TensorBoard they are regular expressions
        answer = fetch("plugin/custom_scalars/scalars", run="digits-z2/tb", tag=tag)
        assert list(answer["tag_to_events"]) == [tag]
        assert len(answer["tag_to_events"][tag]) == len(POINTS)
    (series,) = band["margin"]["series"]
    values = {name: fetch("plugin/scalars/scalars", run="digits-z2/tb", tag=series[name]) for name in series}
    mean, lower, upper = (np.array(values[name])[:, 2] for name in ("value", "lower", "upper"))
    np.testing.assert_allclose(upper - mean, mean - lower, rtol=1e-3)
    assert (upper > mean).all()


@pytest.mark.parametrize(
    ("tag", "size"),
    [
        ("prior samples", (265, 265)),
        ("reconstructions, below their originals", (364, 391)),
        ("strip: test images, reconstructions, prior samples", (10 * 84 + 4, 3 * 84 + 4)),
    ],
)
def test_pictures_stand_at_every_evaluation_point(
    fetch: Callable[..., Any], sweep: dict[str, Path], tag: str, size: Any
) -> None:
    tags = fetch("plugin/images/tags")
    for run in sweep:
        assert tag in tags[run]
        pictures = fetch("plugin/images/images", run=run, tag=tag, sample="0")
        assert [picture["step"] for picture in pictures] == POINTS
    image = Image.open(io.BytesIO(fetch(f"plugin/images/individualImage?{pictures[-1]['query']}&x")))
    assert image.size == size
    assert len(set(image.convert("L").get_flattened_data())) > 20


@pytest.mark.parametrize("latent_dim", [2, 5, 10, 20])
def test_the_projector_has_posterior_means_labels_and_images(fetch: Callable[..., Any], latent_dim: int) -> None:
    run = f"digits-z{latent_dim}/tb"
    (embedding,) = fetch("plugin/projector/info", run=run)["embeddings"]
    assert embedding["tensorName"] == "posterior_means:20000"
    assert embedding["tensorShape"] == [360, max(3, latent_dim)]
    assert embedding["sprite"]["singleImageDim"] == [8, 8]
    labels = fetch("plugin/projector/metadata", run=run, name=embedding["tensorName"]).decode().split()
    assert len(labels) == 360
    assert set(labels) == set("0123456789")
    sprites = Image.open(io.BytesIO(fetch("plugin/projector/sprite_image", run=run, name=embedding["tensorName"])))
    assert sprites.size == (19 * 8, 19 * 8)


def test_a_row_of_hyperparameters_for_every_run(fetch: Callable[..., Any], sweep: dict[str, Path]) -> None:
    body = {"experimentName": "", "allowedStatuses": ["STATUS_SUCCESS"], "colParams": [], "startIndex": 0}
    groups = {
        group["name"]: group
        for group in fetch("plugin/hparams/session_groups", {**body, "sliceSize": 9})["sessionGroups"]
    }
    assert set(groups) == set(sweep)
    for run, directory in sweep.items():
        values = groups[run]["hparams"]
        assert run == f"digits-z{values['latent_dim']:.0f}/tb"
        assert (values["optimizer.lr"], values["choices.data"], values["data.targets"]) == (0.01, "digits", "grey")
        assert not [key for key in values if "_target_" in key or "output_dir" in key or key.startswith("model.prior")]
        metrics = {metric["name"]["tag"]: metric for metric in groups[run]["metricValues"]}
        wholly = {evaluation["name"]: evaluation["mean"] for evaluation in Run(directory).evaluations()}
        assert metrics["final/bound"]["value"] == pytest.approx(wholly["bound"], rel=1e-6)
        assert metrics["final/log_px, K=5"]["value"] == pytest.approx(wholly["importance"], rel=1e-6)
        assert metrics["bound/test"]["trainingStep"] == 20_000


def test_the_text_tab_names_config_targets_and_results(fetch: Callable[..., Any]) -> None:
    (config,) = fetch("plugin/text/text", run="digits-z2/tb", tag="config/text_summary")
    assert "grey/16" in config["text"]
    assert "latent_dim: 2" in config["text"]
    (results,) = fetch("plugin/text/text", run="digits-z2/tb", tag="results/text_summary")
    assert "<table>" in results["text"]
    assert results["step"] == 20_000
