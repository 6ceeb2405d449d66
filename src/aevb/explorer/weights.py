"""The weights of a model as text, in half or single precision.

Half precision halves the page and moves log p(x) by about 0.001 nat for Bernoulli decoders. Sharp Gaussian decoders can
move by more; for those the page carries single precision (`aevb.explorer.export` measures the error and chooses).
"""

import base64
import copy
from typing import Literal

import numpy as np
import torch

from aevb.distributions.normal import DiagonalNormal
from aevb.distributions.normal_mixture import NormalMixture
from aevb.explorer.prior import page_prior
from aevb.models.vae import VAE

__all__ = ["Precision", "encode_array", "pack", "pack_prior", "rounded"]

Precision = Literal["float16", "float32"]


def encode_array(values: np.ndarray, dtype: str) -> str:
    """Return the little-endian bytes of an array as base64.

    Args:
        values: Any shape; written row by row.
        dtype: Numpy name of the stored type, "float16", "float32" or "uint8".
    """
    little_endian = np.dtype(dtype).newbyteorder("<")
    return base64.b64encode(np.ascontiguousarray(values, dtype=little_endian).tobytes()).decode()


def pack(model: VAE, precision: Precision) -> dict[str, str]:
    """Encode the parameters of the encoder and the decoder for the page.

    Weights keep torch's layout, (outputs, inputs) row by row.

    Args:
        model: The model.
        precision: The stored precision.

    Returns:
        Base64 by the name of the parameter.
    """
    return {
        name: encode_array(value.detach().cpu().numpy(), precision)
        for name, value in model.state_dict().items()
        if name.startswith(("encoder.", "decoder."))
    }


def pack_prior(pz: DiagonalNormal | NormalMixture) -> dict[str, str] | None:
    """Encode a mixture for the page.

    Args:
        pz: The prior.

    Returns:
        Base64 of float32: log_weights (K,), mean (K, J) and log_var (K, J); None: p(z) = N(0, I).
    """
    if not isinstance(pz, NormalMixture):
        return None
    arrays = {"log_weights": pz.weights.log(), "mean": pz.components.mean, "log_var": pz.components.log_var}
    return {name: encode_array(value.detach().cpu().numpy(), "float32") for name, value in arrays.items()}


def rounded(model: VAE, precision: Precision) -> VAE:
    """Return a float64 copy of a model with the weights that the page carries.

    Args:
        model: The model.
        precision: The stored precision of the networks; a mixture prior has single precision.
    """
    page_model = copy.deepcopy(model).double()
    with torch.no_grad():
        for parameter in page_model.parameters():
            stored = parameter.half() if precision == "float16" else parameter.float()
            parameter.copy_(stored.double())
    page_model.prior = page_prior(model)
    return page_model
