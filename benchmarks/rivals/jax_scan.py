"""JAX: a whole turn is one compiled call, jit around lax.scan over its minibatches, the state donated (extra `bench`).

The images lie on the device, minibatches are drawn by numpy, noise by JAX's own generator, Adagrad is written out.
"""

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.benchmark_model import BenchmarkModel
from benchmarks.gate import Gate

__all__ = ["loop", "loss", "start"]


def start(weights: dict[str, np.ndarray]) -> dict[str, jax.Array]:
    """Parameters from aevb's state_dict."""
    w = {name: jnp.asarray(value) for name, value in weights.items()}
    return {
        "w1": w["encoder.hidden.weight"],
        "b1": w["encoder.hidden.bias"],
        "w2": jnp.concatenate([w["encoder.mean.weight"], w["encoder.log_var.weight"]]),
        "b2": jnp.concatenate([w["encoder.mean.bias"], w["encoder.log_var.bias"]]),
        "w3": w["decoder.hidden.weight"],
        "b3": w["decoder.hidden.bias"],
        "w4": w["decoder.logits.weight"],
        "b4": w["decoder.logits.bias"],
    }


def loss(p: dict[str, jax.Array], x: jax.Array, eps: jax.Array) -> jax.Array:
    """Mean over the minibatch x (M, D) with the noise eps (M, J)."""
    h = jnp.tanh(x @ p["w1"].T + p["b1"])
    mean, log_var = jnp.split(h @ p["w2"].T + p["b2"], 2, axis=1)
    z = mean + jnp.exp(0.5 * log_var) * eps
    logits = jnp.tanh(z @ p["w3"].T + p["b3"]) @ p["w4"].T + p["b4"]
    nll = (jax.nn.softplus(logits) - x * logits).sum()
    kl = 0.5 * (mean**2 + jnp.exp(log_var) - 1 - log_var).sum()
    return (nll + kl) / len(x)


def loop(spec: BenchmarkModel, gate: Gate) -> None:
    """Train until the gate closes."""
    train = spec.train()
    x = jnp.asarray(train)
    p = start({name: value.numpy() for name, value in spec.model().state_dict().items()})
    square = jax.tree.map(jnp.zeros_like, p)

    def step(state, index):
        p, square, key = state
        key, drawn = jax.random.split(key)
        eps = jax.random.normal(drawn, (spec.batch_size, spec.latent_dim))
        value, grad = jax.value_and_grad(loss)(p, x[index], eps)
        square = jax.tree.map(lambda s, g: s + g**2, square, grad)
        p = jax.tree.map(lambda w, g, s: w - spec.lr * g / (jnp.sqrt(s) + 1e-10), p, grad, square)
        return (p, square, key), value

    turn = jax.jit(lambda state, indices: jax.lax.scan(step, state, indices), donate_argnums=0)
    order = np.random.default_rng(spec.seed)
    state = p, square, jax.random.key(spec.seed)
    epochs = -(-spec.unit // (len(x) // spec.batch_size))
    gate.open()
    while True:
        rows = np.stack(
            [order.permutation(len(x))[: len(x) // spec.batch_size * spec.batch_size] for _ in range(epochs)]
        )
        indices = rows.reshape(-1, spec.batch_size)[: spec.unit]
        state, losses = turn(state, jnp.asarray(indices))
        losses.block_until_ready()
        gate(spec.unit)
