"""Keys, types and ranges of the top level of the three configs; read from the source, as every constructor is."""

from typing import Any, Literal, NamedTuple

from aevb.types import PositiveFloat, PositiveInt, Seed, Threads

__all__ = ["Evaluate", "Figure", "Train"]

SplitName = Literal["train", "valid", "test"]


class Train(NamedTuple):
    """Top level of conf/train.yaml."""

    data: dict[str, Any]
    model: dict[str, Any]
    objective: dict[str, Any]
    optimizer: dict[str, Any]
    trainer: dict[str, Any]
    evaluation: dict[str, Any]
    logger: dict[str, Any]
    seed: Seed
    name: str | None
    latent_dim: PositiveInt
    hidden_dim: PositiveInt
    batch_size: PositiveInt
    max_samples: PositiveInt
    output_dir: str
    report: bool = True
    evaluator: dict[str, dict[str, Any]] = {}  # noqa: RUF012 (never an instance: only read)
    selection: dict[str, Any] | None = None
    sampling: Literal["permutation", "replacement"] = "permutation"
    clip_norm: PositiveFloat | None = None
    clip_value: PositiveFloat | None = None


class Evaluate(NamedTuple):
    """Top level of conf/evaluate.yaml."""

    evaluator: dict[str, dict[str, Any]]
    run: str
    split: SplitName | list[SplitName]
    num_images: PositiveInt | None
    data_root: str | None
    seed: Seed
    threads: Threads
    matmul_precision: Literal["highest", "high", "medium"] = "highest"


class Figure(NamedTuple):
    """Top level of conf/figure.yaml."""

    figure: dict[str, Any]
    runs: str
    output_dir: str
