"""Keys, types and ranges of the top level of the three configs; read from the source, as every constructor is."""

from typing import Any, Literal, NamedTuple

from aevb.types import HiddenDim, PositiveFloat, PositiveInt, Seed, Threads

__all__ = ["Evaluate", "Figure", "Train"]

SplitName = Literal["train", "valid", "test"]


class Train(NamedTuple):
    """The top level of conf/train.yaml.

    Attributes:
        data: The data set.
        model: Prior, encoder and decoder.
        objective: The objective.
        optimizer: The optimizer.
        trainer: The hardware and the arithmetic.
        evaluation: The evaluation points, and what is evaluated there.
        logger: The run logger.
        seed: The seed of the run.
        name: The name of the run; None composes it from the settings.
        latent_dim: J, the number of latent dimensions.
        hidden_dim: The number of hidden units of each network.
        batch_size: M, the images of a minibatch.
        max_samples: The training samples of the whole run.
        output_dir: The folder of the run directories.
        report: Whether a sweep ends with a report.
        evaluator: The evaluators at the end of the run, by name.
        selection: The selection of the learning rate by trials; None for none.
        schedule: The learning rate as a function of samples_seen; None for a constant one.
        early_stopping: When training ends before max_samples; None for never.
        init_from: The run directory whose weights the run starts from; None for new weights.
        init_sha256: The sha256 of these weights.
        init_optimizer: Whether the state of that run's optimizer is taken over too.
        max_time: The time after which the run saves and ends, in seconds or as [DD:]HH:MM:SS; None for no limit.
        sampling: The order of the training images.
        clip_norm: The largest norm of the gradient of an update; None for no limit.
        clip_value: The largest absolute value of a component of the gradient; None for no limit.
    """

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
    hidden_dim: HiddenDim
    batch_size: PositiveInt
    max_samples: PositiveInt
    output_dir: str
    report: bool = True
    evaluator: dict[str, dict[str, Any]] = {}  # noqa: RUF012 (never an instance: only read)
    selection: dict[str, Any] | None = None
    schedule: dict[str, Any] | None = None
    early_stopping: dict[str, Any] | None = None
    init_from: str | None = None
    init_sha256: str | None = None
    init_optimizer: bool = False
    max_time: PositiveFloat | str | None = None
    sampling: Literal["permutation", "replacement"] = "permutation"
    clip_norm: PositiveFloat | None = None
    clip_value: PositiveFloat | None = None


class Evaluate(NamedTuple):
    """The top level of conf/evaluate.yaml.

    Attributes:
        evaluator: The evaluators, by name.
        run: The run directory, a pattern of run directories, or a list of both.
        split: The split, or a list of splits.
        num_images: The number of images; None for the whole split.
        data_root: The folder of the data, or a file of a user's own; None for that of the run.
        seed: The seed of the evaluation.
        threads: The threads of linear algebra.
        matmul_precision: The precision of float32 matrix products, see
            `torch.set_float32_matmul_precision`.
        output_dir: The folder in which the results are written, in a folder of the run's name; None for the run
            directory.
        weights: final for model.pt, best for best.pt.
        cores: The cores on which several runs, or the images of a single one, are evaluated; None for all.
    """

    evaluator: dict[str, dict[str, Any]]
    run: str | list[str]
    split: SplitName | list[SplitName]
    num_images: PositiveInt | None
    data_root: str | None
    seed: Seed
    threads: Threads
    matmul_precision: Literal["highest", "high", "medium"] = "highest"
    output_dir: str | None = None
    weights: Literal["final", "best"] = "final"
    cores: PositiveInt | None = None


class Figure(NamedTuple):
    """The top level of conf/figure.yaml.

    Attributes:
        figure: The figure.
        runs: The folder of the finished runs; None for `runs` in output_dir or beside it.
        output_dir: The folder of the pictures and tables.
    """

    figure: dict[str, Any]
    runs: str | None
    output_dir: str
