"""Kuzushiji-MNIST (Clanuwat et al. 2018): 28 x 28 grey pictures of cursive Japanese characters in ten classes.

50,000 training, 10,000 validation and 10,000 test images; the validation set is the end of the published training
set, as for MNIST.
"""

from aevb.data.idx_dataset import IdxDataset

__all__ = ["KMNIST"]


class KMNIST(IdxDataset):
    """Kuzushiji-MNIST (see `TorchvisionDataset` for the arguments)."""

    name = "kmnist"
    torchvision_name = "KMNIST"
