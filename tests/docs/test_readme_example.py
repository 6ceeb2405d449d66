"""The example of a trained model in the README runs after the command of its quick start."""

import re
import shlex

from helpers.commands import REPOSITORY, aevb, python


def test_the_trained_model_of_the_readme_works(tmp_path):
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^ {4}aevb-train (.*)$", text, re.MULTILINE)
    small = ("max_samples=300", "logger=none", "evaluator=bound")
    trained = aevb("train", *shlex.split(command), *small, folder=tmp_path)
    assert trained.returncode == 0, trained.stderr
    (example,) = [block for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "aevb.load" in block]
    done = python("-c", example, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[0] == "2"
