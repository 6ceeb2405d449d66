"""The tables of the reproduction, in Markdown."""

from sitegen.markdown import table
from sitegen.results import at_one_rate, bound_panels, likelihood_panels

__all__ = ["likelihood_table", "one_rate_table", "panel_table", "plain", "signed"]


def signed(value: float, digits: int = 2) -> str:
    """Return a number with its sign, and with a minus sign instead of a hyphen."""
    return f"{value:+.{digits}f}".replace("-", "\N{MINUS SIGN}")


def plain(value: float, digits: int = 2) -> str:
    """Return a number with a minus sign where it is negative."""
    return f"{value:.{digits}f}".replace("-", "\N{MINUS SIGN}")


def samples_seen(value: int) -> str:
    """Return a number of samples as 1e7 or 5e6."""
    mantissa, exponent = f"{value:.0e}".split("e+")
    return f"{mantissa}e{int(exponent)}" if int(float(mantissa) * 10 ** int(exponent)) == value else f"{value:,}"


def panel_table() -> str:
    """Return the table of Figure 2, a line for each panel, method and evaluation point."""
    lines = []
    for one in bound_panels():
        digits = 2 if one.panel.startswith("MNIST") else 1
        interval = "" if one.interval is None else f"±{plain(one.interval, 1)}"
        verdict = f"**{one.verdict}**" if one.verdict == "matches" else one.verdict
        numbers = (plain(one.ours, digits), plain(one.paper, digits), signed(one.difference, digits))
        lines.append(
            (one.panel, one.method, samples_seen(one.samples), one.lr, str(one.seeds), *numbers, interval, verdict)
        )
    header = (
        "panel, latent_dim",
        "method",
        "at",
        "lr",
        "seeds",
        "ours",
        "paper",
        "difference",
        "95 % interval",
        "verdict",
    )
    return table(header, lines, "llrrrrrrrl")


def likelihood_table() -> str:
    """Return the table of Figure 3, a line for each curve."""
    lines = [
        (
            one.panel,
            one.method,
            samples_seen(one.samples),
            str(one.seeds),
            plain(one.ours),
            plain(one.paper),
            signed(one.difference),
            "" if one.interval is None else f"±{one.interval:.1f}",
        )
        for one in likelihood_panels()
    ]
    header = ("panel", "method", "at", "seeds", "ours", "paper", "difference", "95 % interval")
    return table(header, lines, "llrrrrrr")


def one_rate_table() -> str:
    """Return the table of AEVB on MNIST at learning rate 0.01."""
    panels = [at_one_rate("mnist", latent_dim, "0.01") for latent_dim in (3, 5, 10, 20, 200)]
    lines = [(one.panel, str(one.seeds), plain(one.ours), plain(one.paper), signed(one.difference)) for one in panels]
    return table(("panel, latent_dim", "seeds", "ours", "paper", "difference"), lines, "lrrrr")
