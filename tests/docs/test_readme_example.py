"""The example of the README that trains and uses a model runs as it stands, with a smaller budget."""

import re

from helpers.commands import REPOSITORY, python


def test_the_python_example_of_the_readme_works(tmp_path):
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    (example,) = [block for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "aevb.train" in block]
    assert len(example.strip().splitlines()) <= 10
    assert "max_samples=2e5" in example
    small = example.replace("max_samples=2e5", "max_samples=20_000, logger='none', evaluator='bound'")
    done = python("-c", small, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[0] == "2"
    assert "importance (samples=1000), test, 100 images: log_px = -" in done.stdout
    (run,) = (tmp_path / "outputs" / "runs").iterdir()
    assert run.name == "digits-sgvb_b-adagrad-z2-s0"
