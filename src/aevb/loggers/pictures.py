"""The pictures that loggers show at an evaluation point: prior samples, reconstructions, and a strip of both."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from aevb.data.image_grid import grey_levels
from aevb.loggers.base import RunContext
from aevb.noise import Noise

__all__ = ["levels", "pictures"]

GRID_WIDTH = 32
"""About the width of an image in a grid, in pixels."""
STRIP, STRIP_WIDTH = 10, 84
"""Images in a row of the strip, and about how wide one is, in pixels: for slides and pull requests."""


@torch.no_grad()
def pictures(context: RunContext, images: int) -> dict[str, np.ndarray]:
    """Draw the pictures of the present model.

    Args:
        context: The run.
        images: Number of prior samples, and of reconstructed test images.

    Returns:
        Levels in [0, 1], (height, width) or (height, width, 3), by title.
    """
    rows = context.x[:images]
    x, data = context.model.split(rows)[0], context.model.split(context.x)[0]
    # The same noise at every evaluation point: one sees how the same z are decoded better and better.
    noise = Noise(context.settings["seed"], "tensorboard", 0, device=x.device)
    samples = context.model.generate(images, noise).mean
    drawn = {"prior samples": _grid(samples, context.shape, data)}
    if context.model.has_encoder:
        reconstructed = context.model.decode(context.model.code(rows), rows).mean
        height, *others = context.shape
        pairs = torch.cat([x, reconstructed], dim=-1)
        drawn["reconstructions, below their originals"] = _grid(pairs, (2 * height, *others), data)
        chosen = _first_of_each_class(context.label[:images].tolist())
        strip = torch.cat([x[chosen], reconstructed[chosen], samples[: len(chosen)]])
        drawn["strip: test images, reconstructions, prior samples"] = _picture(
            levels(strip, context.shape, data), len(chosen), gap=4, fill=1.0, width=STRIP_WIDTH
        )
    return drawn


def levels(x: Tensor, shape: Sequence[int], data: Tensor) -> np.ndarray:
    """Convert images to levels between black and full brightness.

    Args:
        x: Images, (n, D).
        shape: (height, width), or (height, width, 3) in colour.
        data: Images of the data set, which give the range.

    Returns:
        Levels in [0, 1], (n, height, width) or (n, height, width, 3).
    """
    return grey_levels(x.cpu().numpy(), data.cpu().numpy()).reshape(-1, *shape)


def _grid(x: Tensor, shape: Sequence[int], data: Tensor) -> np.ndarray:
    images = levels(x, shape, data)
    n, h, w = images.shape[:3]
    factor = max(1, round(GRID_WIDTH / w))
    columns = min(n, max(1, round(math.sqrt(n * (h * factor + 1) / (w * factor + 1)))))  # about square
    return _picture(images, columns, gap=1, fill=0.35, width=GRID_WIDTH)


def _picture(images: np.ndarray, columns: int, gap: int, fill: float, width: int) -> np.ndarray:
    # Images in rows, enlarged by an integer factor to about `width` pixels each, with gaps and a border of grey level `fill`.
    from torchvision.utils import make_grid  # imported by Lightning already

    factor = max(1, round(width / images.shape[2]))
    enlarged = torch.from_numpy(images).repeat_interleave(factor, 1).repeat_interleave(factor, 2)
    pages = enlarged[:, None] if enlarged.ndim == 3 else enlarged.permute(0, 3, 1, 2)
    if len(pages) == 1:  # would be returned without its border
        pages = torch.nn.functional.pad(pages, [gap] * 4, value=fill)
    picture = make_grid(pages, columns, padding=gap, pad_value=fill)
    return (picture[0] if enlarged.ndim == 3 else picture.permute(1, 2, 0)).numpy()


def _first_of_each_class(labels: list[int]) -> list[int]:
    # Indices of STRIP images: the first of every class, filled up with the first images where there are fewer.
    first = {label: index for index, label in reversed(list(enumerate(labels)))}
    chosen = [first[label] for label in sorted(first)][:STRIP]
    return chosen + [index for index in range(len(labels)) if index not in chosen][: STRIP - len(chosen)]
