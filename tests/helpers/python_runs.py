"""Arguments of `aevb.train` for a run of a second."""

__all__ = ["SMALL"]

SMALL = {
    "data": "digits",
    "max_samples": 300,
    "hidden_dim": 5,
    "latent_dim": 2,
    "logger": "none",
    "evaluator": "bound",
    "evaluation.start": 1,
    "optimizer": "adam",  # the authors' Adagrad warms up for 10,000 samples, of which aevb warns
}
