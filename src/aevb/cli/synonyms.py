"""Names that other programs and papers use for keys and options of aevb, and paths where an option belongs."""

import os
import shlex

from aevb.cli.overrides import literal_path

__all__ = ["option_meant", "option_to_try", "own_data", "setting_meant"]

OPTIONS = {
    ("objective", "aae"): "adversarial_autoencoder",
    ("objective", "aevb"): "sgvb_b",
    ("objective", "elbo"): "sgvb_b",
    ("objective", "infovae"): "mmd",
    ("objective", "reinforce"): "score_function",
    ("objective", "btcvae"): "beta_tcvae",
    ("objective", "tcvae"): "beta_tcvae",
    ("objective", "factorvae"): "factor_vae",
    ("objective", "m2"): "semi_supervised",
    ("objective", "ssl"): "semi_supervised",
    ("objective", "sgvb"): "sgvb_b",
    ("objective", "vae"): "sgvb_b",
    ("data", "frey"): "frey_face",
    **{
        ("data", kind): "array"
        for kind in (
            "csv",
            "custom",
            "file",
            "folder",
            "image_folder",
            "imagefolder",
            "images",
            "npy",
            "npz",
            "numpy",
            "own",
        )
    },
}
TO_TRY = {
    "data": "digits",
    "model": "bernoulli",
    "model/encoder": "gaussian",
    "model/prior": "standard_normal",
    "objective": "sgvb_b",
    "optimizer": "adam",
}
FILES = (".npz", ".npy", ".csv", ".tsv", ".pt")
LENGTH = "max_samples=1e6"  # an epoch of MNIST has 50,000 samples
SETTINGS = {
    "epochs": LENGTH,
    "iterations": LENGTH,
    "max_epochs": LENGTH,
    "max_steps": LENGTH,
    "n_epochs": LENGTH,
    "num_epochs": LENGTH,
    "steps": LENGTH,
}


def option_meant(group: str, option: str) -> str | None:
    """Return the option of a group that is known elsewhere by another name.

    Args:
        group: The configuration group.
        option: What was typed.

    Returns:
        The name of the option, or None.
    """
    return OPTIONS.get((group, option.lower()))


def option_to_try(group: str, known: list[str]) -> str:
    """Return an option to try where nothing is near what was typed.

    Args:
        group: The configuration group.
        known: Its options.
    """
    return TO_TRY.get(group, (known or ["..."])[0])


def own_data(text: str) -> str | None:
    """Return the overrides that read a user's own data, as a shell takes them, where a file or folder was typed.

    Args:
        text: What was typed where the name of a data set belongs, or alone.

    Returns:
        "data=array data.path=PATH"; None if it is no path of data.
    """
    path = os.path.expanduser(text)
    is_run = os.path.isfile(os.path.join(path, "config.yaml"))
    if text.lower().endswith((*FILES, "/")) or (os.path.exists(path) and not is_run):
        return f"data=array {shlex.quote(literal_path(f'data.path={text}'))}"
    return None


def setting_meant(key: str, root: str) -> str | None:
    """Return the override of aevb-train that says what a key of other programs says.

    Args:
        key: What was typed.
        root: The command: "train", "evaluate" or "figure".

    Returns:
        An override `key=value`, or None.
    """
    return SETTINGS.get(key.lower()) if root == "train" else None
