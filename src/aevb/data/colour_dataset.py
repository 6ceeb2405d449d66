"""Base class of the data sets of torchvision whose images are in colour."""

from dataclasses import replace
from typing import Literal

from aevb.data.dequantisation import Dequantisation
from aevb.data.torchvision_dataset import TorchvisionDataset
from aevb.types import PositiveInt

__all__ = ["ColourDataset"]


class ColourDataset(TorchvisionDataset):
    """A data set in colour, made grey unless it is asked for in colour.

    Args:
        root: The data folder; None: the environment variable AEVB_DATA if it is set, otherwise ./data.
        targets: The kind of the targets (see aevb.data.binarisation).
        scale: The divisor of the bytes.
        n_train: Number of training images, taken from the start; None: all.
        download: Whether to download missing files.
        mirror: URL of a folder that is used instead of the published addresses.
        dequantise: "uniform" adds noise to the bytes, divided by 256 (see aevb.data.dequantisation); None: none.
        colour: Whether an image is (rows, columns, 3); if not, it is made grey.

    Raises:
        UserError: If an argument is not allowed.
    """

    def __init__(
        self,
        root: str | None = None,
        targets: Literal["grey", "dynamic", "threshold"] = "grey",
        scale: Literal[255, 256] = 255,
        n_train: PositiveInt | None = None,
        download: bool = True,
        mirror: str | None = None,
        dequantise: Dequantisation | None = None,
        colour: bool = False,
    ) -> None:
        super().__init__(root, targets, scale, n_train, download, mirror, dequantise)
        if colour:
            self.shape = (self.shape[0], self.shape[1], 3)
            remark = ", ".join(filter(None, (self.convention.remark, "in colour")))
            self.convention = replace(self.convention, remark=remark)
