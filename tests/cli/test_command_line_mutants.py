"""Command lines that were good until something was changed: each is accepted or refused in one line."""

import os
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from aevb.config import flatten, options
from helpers.commands import settings
from helpers.in_process import run

pytestmark = pytest.mark.slow


def mutants(count: int, seed: int) -> Iterator[list[str]]:
    """Command lines that were good until a key, a value or a letter was changed; a fifth of them still are."""
    random = Random(seed)
    keys = [key for key, _ in flatten(settings()) if not key.startswith("choices")]
    good = [f"{key}={value}" for key, value in flatten(settings("data=digits")) if isinstance(value, int | float)]
    groups = [f"{g}={o}" for g in ("data", "model", "objective", "optimizer", "logger", "trainer") for o in options(g)]
    values = [
        "",
        "null",
        "-1",
        "1e999",
        "nan",
        "[",
        "[]",
        "{}",
        "{a:1}",
        "'x",
        "${seed}",
        "${nope}",
        "${oc.env:HOME}",
        "../x",
    ]
    values += [
        "2,5",
        "range(1,3)",
        "choice(1,x)",
        "true",
        "é",
        "a b",
        "0x10",
        "1_0",
        "???",
        "{_target_:os.system}",
        "\\",
        "=",
    ]
    for _ in range(count):
        line = random.sample(good + groups, random.randint(0, 2))
        kind = random.randrange(5)
        if kind == 0:  # a value that may not fit
            line.append(f"{random.choice(keys)}={random.choice(values)}")
        elif kind == 1:  # a key beside the one meant, with every prefix Hydra knows
            key = random.choice(keys)
            position = random.randrange(len(key))
            line.append(
                f"{random.choice(['', '+', '++', '~'])}{key[:position]}{key[position + 1 :]}={random.choice(values)}"
            )
        elif kind == 2:  # a letter changed anywhere
            text = random.choice(good + groups)
            position = random.randrange(len(text))
            line.append(text[:position] + random.choice("=,.-+~@:/[]{}()'\"$ x0") + text[position + 1 :])
        elif kind == 3:  # something about Hydra itself, or a flag
            line.append(
                random.choice(["--foo", "--cfg", "-q", "hydra.mode=x", "hydra/launcher=x", "hydra.sweep=1", "--info=x"])
            )
        random.shuffle(line)
        yield line + ["-m"] * random.randrange(2)


@pytest.mark.long
def test_no_mutant_of_a_good_command_line_breaks_or_makes_anything(empty: Path, monkeypatch, capsys) -> None:
    # Seeded: the same mutants every time. AEVB_MUTANTS=3000 tries more. Each is accepted by --check or refused in lines.
    count = int(os.environ.get("AEVB_MUTANTS", "80"))
    refused = 0
    for line in mutants(count, seed=0):
        code = run(["--check", *line], monkeypatch)
        out, err = capsys.readouterr()
        assert code in (0, 2), (line, code)
        assert "Traceback" not in err + out, line
        assert "Error executing" not in err, line
        assert all(text.startswith("aevb-train: ") for text in err.splitlines()), (line, err)
        assert (code == 2) == bool(err), (line, err)
        assert list(empty.iterdir()) == [], line
        refused += code == 2
    assert count / 2 < refused < count
