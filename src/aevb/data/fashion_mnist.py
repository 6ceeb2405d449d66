"""Fashion-MNIST (Xiao, Rasul & Vollgraf 2017): 28 x 28 grey pictures of clothes in ten classes.

50,000 training, 10,000 validation and 10,000 test images; the validation set is the end of the published training
set, as for MNIST.
"""

from aevb.data.idx_dataset import IdxDataset

__all__ = ["FashionMNIST"]


class FashionMNIST(IdxDataset):
    """Fashion-MNIST (see `TorchvisionDataset` for the arguments)."""

    name = "fashion_mnist"
    torchvision_name = "FashionMNIST"
