"""Initial values of the parameters.

- paper: weights and biases from N(0, 0.01^2). 0.01 is the standard deviation in the authors' code;
  the paper's "N(0, 0.01)" is ambiguous. The weights and biases of the log-variance layer of the
  encoder start at zero, and so do the output biases of the decoder; in models whose networks lie
  inside others, as those with two layers, these too are drawn from N(0, 0.01^2).
- paper_variance: the same with 0.01 as the variance, so N(0, 0.1^2).
- glorot: uniform weights with the variance 2 / (fan_in + fan_out), zero biases (Glorot & Bengio
  2010). The scales of a layer that normalises keep their values, which are 1: with 0 its output is
  0, and so is the gradient of all that lies before a ReLU.
"""

import math
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from aevb.noise import philox

__all__ = ["Initialization", "initialize"]

Initialization = Literal["paper", "paper_variance", "glorot"]

STD = {"paper": 0.01, "paper_variance": 0.1}
"""Standard deviations of the schemes with normal weights."""


def initialize(
    encoder: nn.Module, decoder: nn.Module, scheme: Initialization, seed: int, purpose: str = "initialization"
) -> None:
    """Set the parameters of both networks in place, as a function of (scheme, seed, purpose).

    The numbers are drawn in the order of the parameters in the state_dict, first those of the
    encoder, from one stream, so the networks do not share them.

    Args:
        encoder: The encoder.
        decoder: The decoder.
        scheme: "paper", "paper_variance" or "glorot".
        seed: Seed of the random numbers.
        purpose: Name of the random stream: "initialization" for the networks of the model; another
            name gives an independent stream.
    """
    generator = philox(seed, purpose, 0)
    for network, is_encoder in ((encoder, True), (decoder, False)):
        for name, parameter in network.named_parameters():
            layer, _, kind = name.rpartition(".")
            start = (
                _glorot(generator, parameter, kind)
                if scheme == "glorot"
                else STD[scheme] * _normal(generator, parameter, layer, kind, is_encoder)
            )
            with torch.no_grad():
                parameter.copy_(start)


def _normal(generator: np.random.Generator, parameter: Tensor, layer: str, kind: str, is_encoder: bool) -> Tensor:
    numbers = torch.from_numpy(generator.standard_normal(tuple(parameter.shape)))
    output_bias = kind == "bias" and layer in ("logits", "mean", "log_var") and not is_encoder
    encoder_variance = is_encoder and layer == "log_var"
    return torch.zeros_like(parameter) if output_bias or encoder_variance else numbers


def _glorot(generator: np.random.Generator, parameter: Tensor, kind: str) -> Tensor:
    if parameter.dim() < 2:
        return parameter.detach() if kind == "weight" else torch.zeros_like(parameter)
    # For a convolution, fan_in and fan_out include the size of the kernel.
    limit = math.sqrt(6 / (sum(parameter.shape[:2]) * math.prod(parameter.shape[2:])))
    return torch.from_numpy(generator.uniform(-limit, limit, tuple(parameter.shape)))
