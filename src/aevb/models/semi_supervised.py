r"""The model M2 of Kingma et al. (2014): a conditional VAE with a classifier, for data of which few have labels.

    p(x, y, z) = p(y) p(z) p(x|z, y),   p(y) = 1/C
    q(y, z|x)  = q(y|x) q(z|x, y)
    log p(x, y) >= L(x, y) = E_q(z|x,y) [log p(x|z, y)] - KL(q(z|x, y) || p(z)) + log p(y)
    log p(x)    >= sum_y q(y|x) [L(x, y) - log q(y|x)]

q(y|x) belongs to phi. Rows (x, y), the encoder and the decoder are those of aevb.models.conditional, so evaluators
estimate log p(x|y) of an image with its label, and aevb.evaluators.classification asks for q(y|x).
"""

import torch
from torch import Tensor, nn

from aevb.models.conditional import ConditionalVAE
from aevb.nn.initialization import Initialization, initialize
from aevb.nn.matmul import Linear
from aevb.nn.mlp import Activation, activation_function, hidden_layers, hidden_units
from aevb.types import HiddenDim, Seed

__all__ = ["Classifier", "SemiSupervisedVAE"]


class Classifier(nn.Module):
    """The logits of q(y|x), a multilayer perceptron.

    Args:
        data_dim: Number of pixels, D.
        num_classes: Number of classes, C.
        hidden_dim: Number of hidden units, or of those of each hidden layer.
        activation: Activation function of the hidden layers.
    """

    def __init__(self, data_dim: int, num_classes: int, hidden_dim: HiddenDim, activation: Activation = "tanh") -> None:
        super().__init__()
        self.hidden, self.deeper, width = hidden_layers(data_dim, hidden_dim)
        self.logits = Linear(width, num_classes)
        self.activation = activation_function(activation)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits.

        Args:
            x: Pixels, (..., D).

        Returns:
            (..., C).
        """
        return self.logits(hidden_units(self.hidden, self.deeper, self.activation, x))


class SemiSupervisedVAE(ConditionalVAE):
    """A conditional VAE with q(y|x).

    Args:
        encoder: (x, y), (..., D + C), -> q(z|x, y).
        decoder: z, (..., J), -> p(x|z, y) (aevb.models.conditional.GivenLabels).
        prior: () -> p(z).
        classifier: x, (..., D), -> the logits of q(y|x), (..., C).
        initialization: Scheme that sets the initial parameters (aevb.nn.initialization); None: unchanged.
        seed: Seed of the initialisation.
        theta_log_var: None: there is no q(theta) (see `VAE`).
    """

    objectives = ("semi_supervised",)

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        prior: nn.Module,
        classifier: nn.Module,
        initialization: Initialization | None = None,
        seed: Seed = 0,
        theta_log_var: float | None = None,
    ) -> None:
        super().__init__(encoder, decoder, prior, initialization, seed, theta_log_var)
        self.classifier = classifier
        if initialization is not None:
            initialize(nn.Module(), classifier, initialization, seed, "classifier")

    @property
    def phi(self) -> list[nn.Parameter]:
        """The parameters of q(z|x, y) and of q(y|x)."""
        return [*self.encoder.parameters(), *self.classifier.parameters()]

    def log_qy_x(self, x: Tensor) -> Tensor:
        """Return log q(y|x) of every class.

        Args:
            x: Pixels, (..., D).

        Returns:
            Log-probabilities in nats, (..., C).
        """
        return torch.log_softmax(self.classifier(x), -1)
