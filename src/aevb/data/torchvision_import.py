"""The import of torchvision, which takes a second, and whose build may not fit that of torch.

A torchvision that was built for another torch fails when it is imported ("operator torchvision::nms does not
exist"), and so does Lightning, which imports an installed torchvision by way of torchmetrics.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType

from aevb.errors import UserError

__all__ = ["import_datasets", "matching_torchvision"]


def import_datasets() -> ModuleType:
    """Import torchvision.datasets, and torch with it.

    Returns:
        The module.

    Raises:
        UserError: If torchvision is missing or does not fit torch.
    """
    with matching_torchvision():
        import torchvision.datasets

        return torchvision.datasets


@contextmanager
def matching_torchvision() -> Iterator[None]:
    """Turn the failure of an import that a mismatched torchvision causes into one line.

    Yields:
        Nothing; the import is made inside.

    Raises:
        UserError: If torchvision is missing or does not fit torch.
    """
    try:
        yield
    except (ImportError, RuntimeError, OSError, AttributeError) as error:
        text = " ".join(str(error).split())
        if "torchvision" not in text and "torchvision" not in str(getattr(error, "name", "")):
            raise
        raise UserError(
            f"torchvision={_version('torchvision')}: does not fit torch={_version('torch')} ({text[:160]}); allowed: both of one "
            "release, from one index; try: pip install --force-reinstall torch torchvision"
        ) from error


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"
