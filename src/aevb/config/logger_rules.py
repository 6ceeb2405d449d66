"""Rules about loggers: what they record, and what they need."""

from collections.abc import Iterator

from aevb.config.messages import Fault
from aevb.config.resolved import Settings

__all__ = ["lightning_logger_is_chosen", "posterior_means_have_an_encoder"]

ANY_LOGGER = (
    "'+logger.logger._target_=lightning.pytorch.loggers.CSVLogger' '+logger.logger.save_dir=outputs' --trust lightning"
)


def lightning_logger_is_chosen(settings: Settings) -> Iterator[Fault]:
    """Check that logger=lightning says which logger of Lightning it is.

    Args:
        settings: The config.

    Yields:
        The fault, if there is one.
    """
    for path in _loggers(settings):
        if settings.class_name(path) == "LightningLogger" and settings.get(f"{path}.logger") is None:
            remedy = ANY_LOGGER.replace("logger.logger", f"{path}.logger")
            yield Fault(f"{path}.logger", "no logger", None, "a logger of Lightning by its class", remedy)


def posterior_means_have_an_encoder(settings: Settings) -> Iterator[Fault]:
    """Refuse to record the means of q(z|x) of a model that has none.

    Args:
        settings: The config.

    Yields:
        The fault, if there is one.
    """
    model = settings.get("model") or {}
    if "encoder" not in model or model["encoder"] is not None:
        return
    for path in _loggers(settings):
        if settings.class_name(path) == "PosteriorMeans":
            wrong = f"records means of q(z|x), and the model of objective={settings.option_name('objective')} has no encoder"
            yield Fault(path, wrong, "posterior_means", "tensorboard, csv, none", "logger=tensorboard")


def _loggers(settings: Settings) -> list[str]:
    # The keys of all loggers, also of those of logger=many.
    return ["logger", *(f"logger.loggers.{name}" for name in settings.get("logger.loggers") or {})]
