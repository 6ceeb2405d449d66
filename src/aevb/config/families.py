"""What is known of the families of q(z|x) and p(z) without torch. Tests compare it with aevb.distributions."""

__all__ = ["ACCEPTS", "CLOSED_FORM", "CORRELATED", "MIXTURES", "SUPPORTS"]

HEAVY = "real, without moments"

SUPPORTS = {
    **dict.fromkeys(("laplace", "logistic", "student_t", "uniform", "triangular", "gumbel"), "real"),
    "cauchy": HEAVY,
    **dict.fromkeys(("exponential", "weibull", "pareto", "reciprocal", "gompertz"), "positive"),
    **dict.fromkeys(("log_normal", "gamma", "f"), "positive"),
    **dict.fromkeys(("kumaraswamy", "beta"), "unit"),
    "dirichlet": "simplex",
}
"""Family of q(z|x) -> its support, as `aevb.models.families.FamilyEncoder.support` gives it."""

ACCEPTS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("laplace", "logistic"), ("real",)),
    **dict.fromkeys(("student_t", "cauchy"), ("real", HEAVY)),
    **dict.fromkeys(("exponential", "log_normal"), ("positive",)),
    "beta": ("unit",),
    "dirichlet": ("simplex",),
}
"""Family of p(z) -> the supports of q(z|x) for which KL(q || p) is finite, as `FamilyPrior.accepts` gives them."""

MIXTURES = ("mixture", "vamp")
"""Priors that are trained mixtures of normal distributions, for real z: what `family` of their classes states."""

CLOSED_FORM = {
    "normal": ("normal",),
    "laplace": ("normal", "laplace"),
    "uniform": ("normal",),
    "gumbel": ("normal",),
    "cauchy": ("cauchy",),
    "exponential": ("exponential",),
    "gamma": ("exponential",),
    "pareto": ("exponential",),
    "reciprocal": ("log_normal",),
    "log_normal": ("log_normal",),
    "beta": ("beta",),
    "dirichlet": ("dirichlet",),
}
"""Family of q(z|x) -> those of p(z) that accept its support and for which `kl` has a closed form."""

CORRELATED: dict[str, tuple[str, ...]] = {"full_covariance": ("normal",), "planar": (), "iaf": ()}
"""Family of a q(z|x) over real z whose coordinates depend on each other, as the class of its encoder states it -> as above."""
