r"""The reference: a loop written by hand for this one model, gradients in closed form, nothing allocated, fused Adagrad.

    h = tanh(W1 x + b1),   (mu, v) = W2 h + b2,   s = exp(v/2),   z = mu + s eps
    g = tanh(W3 z + b3),   l = W4 g + b4
    loss = mean_m [ sum_d softplus(l) - x l  +  1/2 sum_j mu^2 + s^2 - 1 - v ]

and backwards, with M the minibatch,

    dl = (sigmoid(l) - x) / M,   dg = W4' dl,   dz = W3' dg (1 - g^2)
    dmu = dz + mu / M,   dv = (dz eps s + (s^2 - 1) / M) / 2,   dh = W2' (dmu, dv) (1 - h^2)

It does what aevb does at a step, MAP prior and the authors' Adagrad included (the tests hold the weights of both against each
other), and nothing else: no clock, no curve, no checkpoint, no question whether numbers are finite. Mean and log-variance
are one matrix.
"""

from typing import Any

import torch
from torch import Tensor

from aevb.distributions.bernoulli import log_of_product
from aevb.models.vae import VAE
from aevb.nn.torch_settings import keep_freed_memory
from benchmarks.benchmark_model import BenchmarkModel
from benchmarks.gate import Gate
from benchmarks.matmul import affine, product, tanh_affine

__all__ = ["Hand", "loop"]

EPS, WARMUP = 1e-8, 100  # of the authors' Adagrad


class Hand:
    """The model with its gradients, buffers and optimizer.

    model: where the weights start. n: N, training images. matmul_backend: the library that multiplies matrices.
    """

    def __init__(self, model: VAE, batch_size: int, lr: float, n: int, backend: str = "torch") -> None:
        self.by = backend
        self.m, self.lr, self.steps = batch_size, lr, 0
        w = model.state_dict()
        self.w1, self.b1 = _own(w["encoder.hidden.weight"]), _own(w["encoder.hidden.bias"])
        self.w2 = _own(torch.cat([w["encoder.mean.weight"], w["encoder.log_var.weight"]]))
        self.b2 = _own(torch.cat([w["encoder.mean.bias"], w["encoder.log_var.bias"]]))
        self.w3, self.b3 = _own(w["decoder.hidden.weight"]), _own(w["decoder.hidden.bias"])
        self.w4, self.b4 = _own(w["decoder.logits.weight"]), _own(w["decoder.logits.bias"])
        weights, biases = [self.w1, self.w2, self.w3, self.w4], [self.b1, self.b2, self.b3, self.b4]
        for parameter in (*weights, *biases):
            parameter.grad = torch.zeros_like(parameter)
        groups: list[dict[str, Any]] = [{"params": weights, "weight_decay": 1 / n}, {"params": biases}]
        # As in aevb: the authors' eps is inside the root, for sums over the minibatch.
        start = EPS / batch_size**2
        self.optimizer = torch.optim.Adagrad(groups, lr=0.0, initial_accumulator_value=start, eps=0.0, fused=True)

        like = self.w1.detach()
        self.one = like.new_ones(())
        (hidden_dim, data_dim), latent_dim = self.w1.shape, len(self.w2) // 2
        rows = [(batch_size, width) for width in (hidden_dim, data_dim, latent_dim, 2 * latent_dim)]
        self.h, self.dh, self.g, self.dg, self.one_h = (like.new_empty(rows[0]) for _ in range(5))
        self.l, self.dl, self.t = (like.new_empty(rows[1]) for _ in range(3))
        self.s, self.z, self.dz, self.kl = (like.new_empty(rows[2]) for _ in range(4))
        self.q, self.dq = (like.new_empty(rows[3]) for _ in range(2))

    @torch.no_grad()
    def step(self, x: Tensor, eps: Tensor) -> Tensor:
        """One step on the minibatch x (M, D) with the noise eps (M, J); returns its loss, a scalar."""
        loss = self.gradients(x, eps)
        if self.steps == WARMUP:
            for group in self.optimizer.param_groups:
                group["lr"] = self.lr
        self.optimizer.step()
        self.steps += 1
        return loss

    @torch.no_grad()
    def gradients(self, x: Tensor, eps: Tensor) -> Tensor:
        """Fills the gradients of all parameters; returns the loss."""
        j = eps.shape[1]
        self.h = tanh_affine(self.by, x, self.w1, self.b1, self.h)
        self.q = affine(self.by, self.h, self.w2, self.b2, self.q)
        mu, v = self.q[:, :j], self.q[:, j:]
        torch.mul(v, 0.5, out=self.s).exp_()
        torch.addcmul(mu, self.s, eps, out=self.z)
        self.g = tanh_affine(self.by, self.z, self.w3, self.b3, self.g)
        self.l = affine(self.by, self.g, self.w4, self.b4, self.l)

        # softplus(l) = max(l, 0) - log sigmoid |l|, with the logarithm of products as in aevb
        torch.abs(self.l, out=self.t).sigmoid_()
        torch.clamp(self.l, min=0, out=self.dl)
        nll = self.dl.sum() - log_of_product(self.t).sum() - torch.dot(x.view(-1), self.l.view(-1))
        torch.mul(self.s, self.s, out=self.kl)
        kl = 0.5 * (torch.dot(mu.flatten(), mu.flatten()) + (self.kl - v).sum() - self.kl.numel())

        torch.sigmoid(self.l, out=self.dl).sub_(x).mul_(1 / self.m)
        self.w4.grad = product(self.by, self.dl.T, self.g, self.w4.grad)
        torch.sum(self.dl, 0, out=self.b4.grad)
        self.dg = product(self.by, self.dl, self.w4, self.dg)
        self.dg.mul_(torch.addcmul(self.one, self.g, self.g, value=-1, out=self.one_h))
        self.w3.grad = product(self.by, self.dg.T, self.z, self.w3.grad)
        torch.sum(self.dg, 0, out=self.b3.grad)
        self.dz = product(self.by, self.dg, self.w3, self.dz)
        dmu, dv = self.dq[:, :j], self.dq[:, j:]
        torch.add(self.dz, mu, alpha=1 / self.m, out=dmu)
        torch.mul(self.dz, eps, out=dv).mul_(self.s).add_(self.kl, alpha=1 / self.m).sub_(1 / self.m).mul_(0.5)
        self.w2.grad = product(self.by, self.dq.T, self.h, self.w2.grad)
        torch.sum(self.dq, 0, out=self.b2.grad)
        self.dh = product(self.by, self.dq, self.w2, self.dh)
        self.dh.mul_(torch.addcmul(self.one, self.h, self.h, value=-1, out=self.one_h))
        self.w1.grad = product(self.by, self.dh.T, x, self.w1.grad)
        torch.sum(self.dh, 0, out=self.b1.grad)
        return (nll + kl) / self.m

    def state_dict(self) -> dict[str, Tensor]:
        """The weights under the names of aevb's model."""
        (w_mean, w_var), (b_mean, b_var) = self.w2.detach().chunk(2), self.b2.detach().chunk(2)
        layers = {
            "encoder.hidden": (self.w1, self.b1),
            "encoder.mean": (w_mean, b_mean),
            "encoder.log_var": (w_var, b_var),
            "decoder.hidden": (self.w3, self.b3),
            "decoder.logits": (self.w4, self.b4),
        }
        weights = {f"{name}.weight": weight.detach() for name, (weight, _) in layers.items()}
        return weights | {f"{name}.bias": bias.detach() for name, (_, bias) in layers.items()}


def _own(value: Tensor) -> Tensor:
    return value.detach().clone().requires_grad_()


def loop(spec: BenchmarkModel, gate: Gate) -> None:
    """Train until the gate closes."""
    keep_freed_memory()
    torch.set_flush_denormal(True)  # the prior makes weights of pixels that are never on too small for ordinary numbers
    x = torch.from_numpy(spec.train().copy())
    hand = Hand(spec.model(), spec.batch_size, spec.lr, len(x), spec.matmul_backend)
    generator = torch.Generator().manual_seed(spec.seed)
    batch = torch.empty(spec.batch_size, x.shape[1])
    eps = torch.empty(spec.batch_size, spec.latent_dim)
    total = torch.zeros(())
    gate.open()
    while True:
        order = torch.randperm(len(x), generator=generator)
        for index in order[: len(x) // spec.batch_size * spec.batch_size].split(spec.batch_size):
            torch.index_select(x, 0, index, out=batch)
            total += hand.step(batch, eps.normal_(generator=generator))
            gate()
