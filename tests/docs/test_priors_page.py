"""The page on learned priors names the evaluators that support them."""

import re
from importlib import import_module

from aevb.config import options
from aevb.evaluators.evaluator import Evaluator
from helpers.commands import REPOSITORY

FOR_OTHER_MODELS = {"classification", "enumeration", "predictive"}
"""Evaluators of models with labels, of binary z, and of a q(theta)."""


def test_the_page_names_the_evaluators_that_support_a_mixture() -> None:
    text = (REPOSITORY / "docs" / "priors" / "README.md").read_text(encoding="utf-8")
    (row,) = re.findall(r"^\| evaluators \| (.*) \|$", text, re.MULTILINE)
    named = [set(re.findall(r"`(\w+)`", part)) for part in row.split(";")]
    classes = [
        item
        for name in options("evaluator")
        for item in vars(import_module(f"aevb.evaluators.{name}")).values()
        if isinstance(item, type) and issubclass(item, Evaluator) and getattr(item, "name", None) == name
    ]
    supporting = {
        item.name for item in classes if {"mixture", "other"} & set(item().latents) and not item.needs_simple_prior
    }
    assert named[0] == supporting - FOR_OTHER_MODELS
    assert named[1] == {item.name for item in classes} - supporting
