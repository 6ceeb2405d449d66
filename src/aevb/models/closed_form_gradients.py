r"""The gradients of the paper's model in closed form: the result of autograd with fewer operations.

Each function computes a value and returns it together with a backward function. The backward
function takes the gradient of the loss with respect to the value, sets `.grad` of the layers, and
returns the gradient with respect to the input. Gradients overwrite those of the previous step,
because that memory is still in the processor's cache. With g = dL/dlog p:

    h = tanh(W v + b)                       dL/d(W v + b) = dL/dh (1 - h^2)
    a = W h + b                             dL/dW = (dL/da)' h,   dL/db = sum_m dL/da_m,   dL/dh = dL/da W
    log p(x) = x'l - sum softplus(l)        dL/dl = g (x - y),   y = sigmoid(l)
    log p(x) = log N(x; m, diag e^v)        dL/dm = g (x - m) / e^v,   dL/dv = g ((x - m)^2 / e^v - 1) / 2

This holds for the encoder and the decoder of appendix C with one or more hidden layers of tanh; the
tests compare it to autograd. Leading axes are allowed: layers whose weights are (E, out, in) are E
models of the same shape, computed together.

A sampler needs the gradient with respect to z alone, many times at the same x and theta, and the
value only at the ends of a trajectory. For the Bernoulli decoder, x then enters only through x'W
and x'b, which are computed once:

    log p(x, z) = (x'W) h + x'b - sum softplus(W h + b) + log p(z),   d/dz = ((x'W - y'W) (1 - h^2)) W1 - z
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from aevb.distributions.base import LOG_2PI
from aevb.distributions.bernoulli import log_of_product, sum_softplus
from aevb.models.bernoulli import BernoulliDecoder
from aevb.models.gaussian import GaussianDecoder, GaussianEncoder
from aevb.models.prior import StandardNormal
from aevb.models.vae import VAE
from aevb.nn.matmul import affine, product, tanh_affine
from aevb.samplers.hmc import LogDensityWithGradient

__all__ = ["BernoulliPosterior", "decode", "encode", "has_closed_form"]

DecoderBackward = Callable[[float | Tensor], Tensor]
EncoderBackward = Callable[[Tensor, Tensor], None]


def has_closed_form(model: VAE) -> bool:
    """Return whether the gradients of every part of the model are implemented here.

    Args:
        model: The model.

    Returns:
        True for a Gaussian encoder with a trained variance, a Bernoulli or Gaussian decoder (without a floor of its
        variance), hidden layers of tanh, and the standard normal prior.
    """
    encoder, decoder = model.encoder, model.decoder
    if type(encoder) is not GaussianEncoder or encoder.variance is not None or type(model.prior) is not StandardNormal:
        return False
    if type(decoder) not in (BernoulliDecoder, GaussianDecoder) or getattr(decoder, "min_std", 0) != 0:
        return False
    return encoder.activation is decoder.activation is torch.tanh


def encode(encoder: GaussianEncoder, x: Tensor) -> tuple[Tensor, Tensor, EncoderBackward]:
    """Compute q(z|x).

    Args:
        encoder: The encoder.
        x: Images, (..., M, D).

    Returns:
        mu and log sigma^2, (..., M, J) each, and backward(dL/dmu, dL/dlog sigma^2), which sets the
        gradients of the encoder.
    """
    units = _hidden_units(encoder, x)
    h = units[-1]
    # One layer with 2 J rows needs three products instead of six, and each costs as much for so few rows.
    heads = encoder.mean, encoder.log_var
    weight = torch.cat([head.weight for head in heads], -2)
    mean, log_var = affine(h, weight, torch.cat([head.bias for head in heads], -1)).chunk(2, -1)

    def backward(d_mean: Tensor, d_log_var: Tensor) -> None:
        d = torch.cat((d_mean, d_log_var), -1)
        for head, d_weight, d_bias in zip(heads, product(d.mT, h).chunk(2, -2), d.sum(-2).chunk(2, -1), strict=True):
            head.weight.grad, head.bias.grad = d_weight, d_bias
        _write_hidden(encoder, units, product(d, weight))

    return mean, log_var, backward


def decode(
    decoder: BernoulliDecoder | GaussianDecoder, z: Tensor, x: Tensor, each: bool = False
) -> tuple[Tensor, DecoderBackward]:
    """Compute log p(x|z), summed over the minibatch or for each of its rows.

    Args:
        decoder: The decoder.
        z: Latent variables, (..., M, J).
        x: Images, (..., M, D).
        each: Whether the value of each row is returned, instead of their sum.

    Returns:
        sum_m log p(x_m | z_m) in nats, (...), or log p(x_m | z_m), (..., M); and backward(dL/dlog p), which
        sets the gradients of the decoder and returns dL/dz, (..., M, J). Its argument is one number, or one
        for each row, (..., M, 1).
    """
    family = _bernoulli if isinstance(decoder, BernoulliDecoder) else _gaussian
    return family(decoder, z, x, each)  # type: ignore[arg-type]  # the decoder of this family


def _bernoulli(decoder: BernoulliDecoder, z: Tensor, x: Tensor, each: bool) -> tuple[Tensor, DecoderBackward]:
    units = _hidden_units(decoder, z)
    h = units[-1]
    logits = _affine(decoder.logits, h)
    y = torch.sigmoid(logits)
    # softplus(l) = max(l, 0) - log sigmoid(|l|), and sigmoid(|l|) = max(y, 1 - y) needs no second exponential.
    log_sigmoid = log_of_product(torch.maximum(y, 1 - y))
    over = _summed(each)
    log_px_z = (x * logits).sum(over) - logits.clamp_(min=0).sum(over) + (log_sigmoid if each else log_sigmoid.sum(-1))

    def backward(gradient: float | Tensor) -> Tensor:
        d_logits = torch.sub(x, y).mul_(gradient)
        _write(decoder.logits, h, d_logits)
        d_pre = _write_hidden(decoder, units, product(d_logits, decoder.logits.weight))
        return product(d_pre, decoder.hidden.weight)

    return log_px_z, backward


def _gaussian(decoder: GaussianDecoder, z: Tensor, x: Tensor, each: bool) -> tuple[Tensor, DecoderBackward]:
    units = _hidden_units(decoder, z)
    h = units[-1]
    mean, log_var = decoder.squash(_affine(decoder.mean, h)), _affine(decoder.log_var, h)
    precision = torch.exp(-log_var)
    distance = x - mean
    squares = distance * distance * precision
    over, numbers = _summed(each), x.shape[-1] if each else x.shape[-2] * x.shape[-1]
    log_px_z = -0.5 * (squares.sum(over) + log_var.sum(over) + LOG_2PI * numbers)

    def backward(gradient: float | Tensor) -> Tensor:
        d_mean = (distance * precision).mul_(gradient)
        if decoder.squash is torch.sigmoid:
            d_mean *= mean * (1 - mean)
        d_log_var = (squares - 1).mul_(0.5 * gradient)
        _write(decoder.mean, h, d_mean)
        _write(decoder.log_var, h, d_log_var)
        d_h = product(d_mean, decoder.mean.weight)
        d_h += product(d_log_var, decoder.log_var.weight)
        return product(_write_hidden(decoder, units, d_h), decoder.hidden.weight)

    return log_px_z, backward


class BernoulliPosterior(LogDensityWithGradient):
    """log p(x, z) of a Bernoulli decoder as a function of z, (M, J), with its gradient.

    The products with the present weights are computed here, so the object is valid until the
    weights change.

    Args:
        decoder: The decoder.
        x: Images, (M, D); row m belongs to row m of z.
    """

    def __init__(self, decoder: BernoulliDecoder, x: Tensor) -> None:
        self.decoder = decoder
        with torch.no_grad():
            self.x_weight = product(x, decoder.logits.weight)
            self.x_bias = x @ decoder.logits.bias

    @staticmethod
    def fits(model: VAE) -> bool:
        """Return whether this class implements the posterior of `model`.

        Args:
            model: The model.
        """
        implemented = type(model.decoder) is BernoulliDecoder and type(model.prior) is StandardNormal
        return implemented and not model.decoder.deeper and model.decoder.activation is torch.tanh

    @torch.no_grad()
    def __call__(self, z: Tensor) -> Tensor:
        """Return log p(x, z) in nats, (M,), for z of shape (M, J)."""
        h = _hidden(self.decoder.hidden, z)
        logits = _affine(self.decoder.logits, h)
        log_px_z = (self.x_weight * h).sum(-1) + self.x_bias - sum_softplus(logits)
        return log_px_z - 0.5 * ((z * z).sum(-1) + LOG_2PI * z.shape[-1])

    @torch.no_grad()
    def gradient(self, z: Tensor) -> Tensor:
        """Return the gradient of log p(x, z) with respect to z, (M, J).

        Args:
            z: Latent vectors, (M, J).
        """
        h = _hidden(self.decoder.hidden, z)
        y = _affine(self.decoder.logits, h).sigmoid_()
        d_h = self.x_weight - product(y, self.decoder.logits.weight)
        return product(_through_tanh(d_h, h), self.decoder.hidden.weight) - z


def _summed(each: bool) -> tuple[int, ...]:
    return (-1,) if each else (-2, -1)


def _affine(layer: nn.Linear, h: Tensor) -> Tensor:
    return affine(h, layer.weight, layer.bias)


def _hidden(layer: nn.Linear, v: Tensor) -> Tensor:
    return tanh_affine(v, layer.weight, layer.bias)


def _through_tanh(d_h: Tensor, h: Tensor) -> Tensor:
    return torch.ops.aten.tanh_backward(d_h, h)


def _hidden_units(network: GaussianEncoder | BernoulliDecoder | GaussianDecoder, v: Tensor) -> list[Tensor]:
    units = [v]
    for layer in (network.hidden, *network.deeper):
        units.append(_hidden(layer, units[-1]))
    return units


def _write_hidden(
    network: GaussianEncoder | BernoulliDecoder | GaussianDecoder, units: list[Tensor], d_h: Tensor
) -> Tensor:
    # From dL/dh of the last hidden layer to dL/d(W v + b) of the first.
    *before, h = units
    deeper: list[nn.Linear] = list(network.deeper)  # type: ignore[arg-type]  # a ModuleList of them
    for layer, v in zip(reversed(deeper), reversed(before[1:]), strict=True):
        d = _through_tanh(d_h, h)
        _write(layer, v, d)
        d_h, h = product(d, layer.weight), v
    d_pre = _through_tanh(d_h, h)
    _write(network.hidden, before[0], d_pre)
    return d_pre


def _write(layer: nn.Linear, h: Tensor, d: Tensor) -> None:
    layer.weight.grad = product(d.mT, h, layer.weight.grad)
    layer.bias.grad = torch.sum(d, -2, out=layer.bias.grad)
