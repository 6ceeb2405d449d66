"""Which runs can be trained together in one process, decided from their configs alone."""

import json
from typing import Any

__all__ = ["compatibility_key"]


OBJECTIVES = ("aevb.objectives.sgvb_a.SGVB_A", "aevb.objectives.sgvb_b.SGVB_B")
MODEL = "aevb.models.vae.VAE"
ENCODER, PRIOR = "aevb.models.gaussian.GaussianEncoder", "aevb.models.prior.StandardNormal"
DECODERS = ("aevb.models.bernoulli.BernoulliDecoder", "aevb.models.gaussian.GaussianDecoder")


def compatibility_key(settings: dict[str, Any]) -> str | None:
    """Return what the runs of one ensemble have in common.

    Only the paper's model with SGVB can be trained in an ensemble, and only runs that are equal in everything that shapes a
    matrix product, except in their latent_dim: smaller latent spaces are padded.

    Args:
        settings: The config of a run.

    Returns:
        A key that is equal for runs that can be trained together; None for a run that is trained alone.
    """
    model, objective, trainer = settings["model"], settings["objective"], settings["trainer"]
    if objective["_target_"] not in OBJECTIVES or trainer["engine"] == "autograd":
        return None
    if trainer["devices"] > 1 or trainer.get("microbatches", 1) > 1:
        return None
    encoder, decoder, prior = (model.get(part) or {} for part in ("encoder", "decoder", "prior"))
    if model["_target_"] != MODEL or encoder.get("variance") is not None or decoder.get("min_std"):
        return None
    if (encoder.get("_target_"), prior.get("_target_")) != (ENCODER, PRIOR) or decoder.get("_target_") not in DECODERS:
        return None
    if not encoder.get("activation") == decoder.get("activation") == "tanh":
        return None
    layers = [{key: value for key, value in part.items() if key != "latent_dim"} for part in (encoder, decoder)]
    hardware = [trainer[key] for key in ("accelerator", "threads", "precision")]
    data = [settings["data"].get(key) for key in ("_target_", "path", "dim", "side", "colour")]
    return json.dumps([layers, objective["samples"], settings["batch_size"], hardware, data], sort_keys=True)
