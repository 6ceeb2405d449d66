"""The committed pages with numbers: blocks between `<!-- generated: NAME -->` and `<!-- end -->`, filled from the CSVs.

`python -m sitegen --numbers` fills them; a test fails if a page and the CSVs disagree.
"""

import re

from sitegen.benchmark_tables import benchmark_table
from sitegen.figure2_gap import gap_table, gap_text
from sitegen.figure2_long import long_table, long_text
from sitegen.figure2_rate import rate_table, rate_text
from sitegen.figure3_gap import committed_text, estimator_table, estimator_text, lower_bound_text
from sitegen.figure3_text import figure3_text
from sitegen.frey_face_long import frey_long, frey_long_text
from sitegen.frey_face_tables import frey_bounds, frey_changes, frey_start
from sitegen.gap_tables import decoder_table, subset_table
from sitegen.gap_text import frey_start_text, mnist_start_text, training_excess
from sitegen.hours import hours_table
from sitegen.inference_gap import inference_gap_table, inference_gap_text
from sitegen.iwae_table import iwae_table, iwae_table_text
from sitegen.mnist_start import mnist_start
from sitegen.reach import reach_table
from sitegen.readme_rows import readme_rows
from sitegen.readme_speed import numbers_speed
from sitegen.result_tables import likelihood_table, one_rate_table, panel_table
from sitegen.result_text import figure2_text, one_model_text, unexplained_text

__all__ = ["PAGES", "filled"]

PAGES = (
    "README.md",
    "docs/results/README.md",
    "docs/frey-face-gap/README.md",
    "docs/training-curves/README.md",
    "docs/performance/README.md",
    "docs/numbers.md",
    "docs/figure2-gap/README.md",
    "docs/figure3-gap/README.md",
    "docs/iwae/README.md",
)
BLOCK = re.compile(r"(<!-- generated: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
BLOCKS = {
    "benchmarks": benchmark_table,
    "panels": panel_table,
    "one-rate": one_rate_table,
    "likelihoods": likelihood_table,
    "hours": hours_table,
    "reach": reach_table,
    "mnist-start": mnist_start,
    "mnist-start-text": mnist_start_text,
    "training-excess": training_excess,
    "readme-rows": readme_rows,
    "speed": numbers_speed,
    "figure2-gap": gap_table,
    "figure2-long": long_table,
    "figure2-long-text": long_text,
    "figure2-rate": rate_table,
    "figure2-rate-text": rate_text,
    "inference-gap": inference_gap_table,
    "inference-gap-text": inference_gap_text,
    "iwae-table": iwae_table,
    "iwae-table-text": iwae_table_text,
    "committed": committed_text,
    "estimators": estimator_table,
    "estimators-text": estimator_text,
    "lower-bound": lower_bound_text,
    "figure2-gap-text": gap_text,
    "figure2-text": figure2_text,
    "figure3-text": figure3_text,
    "one-model-text": one_model_text,
    "unexplained-text": unexplained_text,
    "decoders": decoder_table,
    "subsets": subset_table,
    "frey-start": frey_start,
    "frey-start-text": frey_start_text,
    "frey-bounds": frey_bounds,
    "frey-changes": frey_changes,
    "frey-long": frey_long,
    "frey-long-text": frey_long_text,
}


def filled(text: str) -> str:
    """Return a page with its generated blocks filled."""
    return BLOCK.sub(lambda match: f"{match[1]}\n{BLOCKS[match[2]]()}\n\n{match[3]}", text)
