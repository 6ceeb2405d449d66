"""The base classes of encoders, decoders and priors, and what these state about themselves.

The class attributes are read from the source file, without importing it, when a config is checked. A subclass that
changes one of them therefore assigns a literal in its class body (`discrete = True`), not a computed value.
"""

from torch import nn

from aevb.data.target_convention import Likelihood

__all__ = ["Decoder", "Encoder", "Network", "Prior"]


class Network(nn.Module):
    """Base class of the three parts of a model."""

    capturable: bool = False
    """Whether `forward` can be recorded as a CUDA graph (aevb.training.cuda_graph).

    It then executes the same device operations every time, and neither reads a number back from the device nor sends
    one to it. Not inherited: a subclass must declare it again.
    """


class Encoder(Network):
    """Base class of encoders, x -> q(z|x)."""

    discrete: bool = False
    """Whether draws of q(z|x) have no derivative, so that objectives with `reparameterised` are refused. Inherited."""


class Decoder(Network):
    """Base class of decoders, z -> p(x|z)."""

    likelihood: Likelihood | None = None
    """The family of p(x|z): "bernoulli" or "gaussian"; None if it is another one.

    With "bernoulli", targets outside [0, 1] are refused. It also decides what a log p(x) means
    (aevb.data.target_convention). Inherited.
    """

    learned_variance: bool = False
    """Whether p(x|z) has a variance of its own for each pixel that is learned, so that the density of a constant pixel has no
    bound. Inherited."""

    differentiable_mean: bool = True
    """Whether the mean of p(x|z) has a gradient, by which a GAN is trained. Inherited."""

    binary_targets: bool = False
    """Whether p(x|z) is a probability of binary images only, so that grey targets are refused. Inherited."""

    side_multiple: int = 1
    """Rows and columns of an image must be multiples of this number. Inherited."""


class Prior(Network):
    """Base class of priors, () -> p(z).

    A prior with a method `attach(model, initialization, seed)` is given its model when that is made: it may refer to the
    encoder, and sets its own initial parameters (aevb.models.mixture_prior, aevb.models.vamp_prior).
    """

    trained: bool = False
    """Whether p(z) is a mixture that is trained by the gradient of log p(z) (`Objective.no_trained_prior`). Inherited."""

    needs_encoder: bool = False
    """Whether p(z) is made of the model's q(z|x), so that theta and phi are trained together. Inherited."""
