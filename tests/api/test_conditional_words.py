"""A conditional run says everywhere that its numbers are of log p(x|y)."""

import aevb
from aevb.cli.train import final_values
from aevb.loggers.evaluation_summaries import write_evaluation_summaries
from helpers.python_runs import SMALL


def test_a_conditional_run_names_its_numbers(tmp_path):
    small = {**SMALL, "model": "conditional", "logger": "tensorboard", "evaluator": ["bound", "importance"]}
    run = aevb.train(**small, output_dir=tmp_path, progress=False)
    html = run._repr_html_()
    assert "of log p(x|y)</th>" in html
    assert "Means of p(x|z, y) at z drawn from the prior, y = 0 to 9 in turn" in html
    assert "targets grey/16, given the label: grey under a Bernoulli likelihood" in html
    assert "; test log p(x|y) by importance sampling -" in final_values(run.directory)
    write_evaluation_summaries(run.directory)
    written = b"".join(path.read_bytes() for path in (run.directory / "tb").rglob("events*"))
    assert b"and log p(x|y) by importance sampling (K=" in written
    assert rb"of log p(x\|y) |" in written  # a bar would end the cell of the table


def test_the_notebook_says_what_the_numbers_mean(tmp_path):
    html = aevb.train(**SMALL, output_dir=tmp_path, progress=False)._repr_html_()
    assert "of log p(x)</th>" in html
    assert "targets grey/16: grey under a Bernoulli likelihood" in html
    assert "Means of p(x|z) at z drawn from the prior<" in html
