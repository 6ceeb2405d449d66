"""What the page carries of a run: weights, posterior means, a few test images and the values of its self-test."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from aevb.config.resolved import Settings
from aevb.data.labels import with_labels
from aevb.errors import UserError
from aevb.estimators.model_queries import log_px_z_of_all
from aevb.estimators.mutual_information import units
from aevb.evaluation.loading import load_run
from aevb.evaluators.targets import targets
from aevb.explorer.images import choose, pack_images, value_range
from aevb.explorer.prior import frame, grid_radius
from aevb.explorer.reference import BOUND_SAMPLES, IMPORTANCE_SAMPLES, elbo, importance, noise_table, reference
from aevb.explorer.supported import check_supported
from aevb.explorer.weights import Precision, encode_array, pack, pack_prior, rounded
from aevb.models.vae import VAE
from aevb.runs.run import Run
from aevb.runs.settings import read_settings

__all__ = ["POINTS", "TOLERANCE", "export_run"]

POINTS = 500  # test images whose posterior means are shown
TOLERANCE = 0.05  # nats, of the page's self-test
RELATIVE_TOLERANCE = 1e-5  # of a value, which is more than that beyond 5,000 nats
CANDIDATES = 500  # test images among which the embedded ones are chosen


@torch.no_grad()
def export_run(run: Path, data_root: str | None = None, trusted: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return everything that the page needs of one run.

    Args:
        run: Directory of a finished run.
        data_root: Folder of the data set; None for the run's own.
        trusted: Users' modules that the run's config may name.

    Returns:
        {"model": what JSON can hold, "weights": base64 by parameter name}.

    Raises:
        UserError: If the run is not finished or is damaged, or if its model is not supported.
    """
    check_supported(run, read_settings(run))
    loaded = load_run(run, data_root, trusted)
    settings, dataset = loaded.settings, loaded.dataset
    if len(loaded.shape) == 3:
        raise UserError(f"run={run}: colour images cannot be explored; allowed: grey images; try: figure=samples")
    split = with_labels(loaded.load_data(), loaded.classes).test
    if len(split.x) == 0:
        raise UserError(
            f"run={run}: data.{dataset.name} has no test images; allowed: a data set with a test split; try: a run of data=digits"
        )
    x = targets(split, dataset.dynamic, settings["seed"], torch.float64)[:POINTS]
    label = split.label[:POINTS]

    model = loaded.model.double()
    latent_dim, rows, columns = settings["latent_dim"], *loaded.shape[:2]
    eps = noise_table(latent_dim)
    qz_x, pz = model.encoder(x), model.prior()
    centre, radius = frame(qz_x.mean, pz)
    use = units(model, x)
    bounds = elbo(model, x, eps[:BOUND_SAMPLES]).bound
    reach = grid_radius(pz)
    precision = _precision(model, x[:100], eps)
    chosen = choose(label[:CANDIDATES], _missed(model, x[:CANDIDATES], eps, reach).numpy() if latent_dim == 2 else None)
    grid_model = rounded(model, precision) if latent_dim == 2 else None
    # Each further class would cost the reference a further grid of decoded z.
    same_class = label[chosen] == label[chosen[0]] if loaded.classes else None
    decoder, pixels = settings["model"]["decoder"], rows * columns
    convention = dataset.convention.for_model(settings["model"])
    info = {
        "name": Run(run).name,
        "data": dataset.name,
        "objective": Settings(settings).option_name("objective"),
        "samples_seen": Run(run).done["samples_seen"],
        "convention": str(convention),
        "meaning": convention.meaning(loaded.model.likelihood),
        "binary": convention.kind in ("dynamic", "binary"),
        "shape": [rows, columns],
        "range": value_range(split.x[:, :pixels]),
        "latent_dim": latent_dim,
        "hidden_dim": decoder["hidden_dim"] if isinstance(decoder["hidden_dim"], list) else [decoder["hidden_dim"]],
        "decoder": _decoder(decoder),
        "encoder": {"activation": settings["model"]["encoder"].get("activation", "tanh"),
                    "variance": settings["model"]["encoder"].get("variance")},
        "precision": precision,
        "prior": pack_prior(pz),
        "centre": centre,
        "radius": radius,
        "grid_radius": reach,
        "classes": loaded.classes or (int(label.max()) + 1 if len(np.unique(label)) > 1 else 0),
        "conditional": loaded.classes is not None,
        "points": {
            "mean": encode_array(qz_x.mean.numpy(), "float32"),
            "log_var": encode_array(qz_x.log_var.numpy(), "float32"),
            "label": encode_array(np.clip(label, 0, 255), "uint8"),
            "elbo": encode_array(bounds.numpy(), "float32"),
            "count": len(x),
        },
        "kl_by_dimension": use.kl.tolist(),
        "variance_of_means": use.variance.tolist(),
        "images": {**pack_images(x[chosen, :pixels].numpy()), "label": label[chosen].tolist(), "index": chosen.tolist()},
        "noise": encode_array(eps.numpy(), "float16"),
        "bound_samples": BOUND_SAMPLES,
        "importance_samples": IMPORTANCE_SAMPLES,
        "tolerance": TOLERANCE,
        "relative_tolerance": RELATIVE_TOLERANCE,
        "reference": reference(model, x[chosen], eps, grid_model, same_class),
    }  # fmt: skip
    return {"model": info, "weights": pack(loaded.model, precision)}


def _decoder(settings: dict[str, Any]) -> dict[str, Any]:
    name = settings["_target_"].rpartition(".")[2]
    default = "linear" if name == "FixedVarianceDecoder" else "sigmoid"
    return {
        "kind": "bernoulli" if name.endswith("BernoulliDecoder") else "gaussian",
        "activation": settings.get("activation", "tanh"),
        "mean": settings.get("mean", default),
        "variance": settings.get("variance", 1.0) if name == "FixedVarianceDecoder" else None,
        "min_std": settings.get("min_std", 0.0),
    }


def _precision(model: VAE, x: Tensor, eps: Tensor) -> Precision:
    # Half precision only where it costs less than half of what the self-test allows.
    half = rounded(model, "float16")
    errors = [
        (value(half, x, eps[:BOUND_SAMPLES]) - value(model, x, eps[:BOUND_SAMPLES])).abs().max()
        for value in (_bound, importance)
    ]
    return "float16" if max(errors) < TOLERANCE / 2 else "float32"


def _bound(model: VAE, x: Tensor, eps: Tensor) -> Tensor:
    return elbo(model, x, eps).bound


def _missed(model: VAE, x: Tensor, eps: Tensor, reach: float) -> Tensor:
    """Nats by which importance sampling falls short of log p(x), (n,); log p(x) by one coarse grid, J = 2."""
    axis = torch.linspace(-reach, reach, 81, dtype=torch.float64)
    z = torch.cartesian_prod(axis, axis)
    coarse = [log_px_z_of_all(model, x, part) + model.prior().log_prob(part)[:, None] for part in z.split(1000)]
    log_px = torch.logsumexp(torch.cat(coarse), 0) + 2 * torch.log(axis[1] - axis[0])
    return log_px - importance(model, x, eps[:IMPORTANCE_SAMPLES])
