"""A decoder that was really trained, where the data are."""

import os
from pathlib import Path

import pytest
import torch

from aevb.data.mnist import MNIST
from aevb.models.bernoulli import BernoulliDecoder
from aevb.models.gaussian import GaussianEncoder
from aevb.models.prior import StandardNormal
from aevb.models.vae import VAE
from aevb.noise import Noise


@pytest.fixture(scope="session")
def mnist_run():
    """(model, test images): N_z = 2, 40 units, 600 minibatches of 100."""
    root = os.environ.get("AEVB_DATA")
    if root is None or not (Path(root) / "MNIST").is_dir():
        pytest.skip("AEVB_DATA names no folder with MNIST")
    data = MNIST(root=root).load()
    model = VAE(GaussianEncoder(784, 2, 40), BernoulliDecoder(784, 2, 40), StandardNormal(2), "glorot")
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    train = torch.from_numpy(data.train.x)
    for step in range(600):
        x = train[(step * 100) % 50_000 :][:100]
        qz_x = model.encoder(x)
        z = qz_x.rsample(Noise(0, "train", step))
        loss = (qz_x.kl(model.prior()) - model.decoder(z).log_prob(x)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.eval(), torch.from_numpy(data.test.x)
