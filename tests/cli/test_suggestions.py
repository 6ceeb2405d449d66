"""Every suggestion of a message is accepted; old names are answered with the new ones."""

import os
import shlex
from pathlib import Path

import pytest

from aevb.config import flatten
from helpers.commands import aevb, settings
from helpers.messages import message

RENAMED = {
    "trainer.first=100": "evaluation.num_images=100",
    "trainer.final_first=100": "evaluation.final_images=100",
    "trainer.first_mark=1000": "evaluation.start=1000",
    "trainer.mark_every=50000": "evaluation.every=50000",
    "trainer.mark_splits=both": "evaluation.splits=both",
    "trainer.train_window=1000": "evaluation.train_window=1000",
    "trainer.sampling=replacement": "sampling=replacement",
    "trainer.clip_norm=1": "clip_norm=1",
    "+trainer.clip_value=0.1": "clip_value=0.1",
    "trainer.products=torch": "trainer.matmul_backend=torch",
    "evaluator.importance.rows=10": "evaluator.importance.batch_size=10",
    "data=tensor": "data=array",
    "experiment=family": "experiment=compare_objectives",
    "experiment=pitfalls/kl_sign": "pitfall=kl_sign",
    "objective=pitfalls/pitfall_kl_sign": "pitfall=kl_sign",
    "evaluator=pitfalls/pitfall_mean_of_logs": "pitfall=mean_of_logs",
    "experiment/pitfalls=kl_sign": "pitfall=kl_sign",
}

BAD = [
    *RENAMED,
    "experiment=kl_sign",
    "experiment=pitfalls/nope",
    "experiment=figure22",
    "experiment=nothing_like_it",
    "pitfall=kl_sing",
    "pitfall=null",
    "selection=null",
    "data=mnits",
    "model/encoder=gausian",
    "model/prior=zzz",
    "objective=sgvb",
    "optimizer=Adam",
    "hydra/launcher=core",
    "latent_dmi=3",
    "latent_dmi=x",
    "trainer.device=gpu",
    "trainer.device=2",
    "+trainer.device=cpu",
    "trainer.device=cuda",
    "trainer.accelerator=cuda",
    "trainer.devics=x",
    "evaluation.everyy=often",
    "experiment=demo,paper",
    "optimizer=adam,sgd",
    "data=[digits",
    "optimizer.lr=1=2",
    "data.targets=ü",
    "name=ü",
    "latent_dim=0",
    "+latent_dim=3",
    "optimizer.lrr=0.1",
    "optimizer.lr=-1",
    "evaluation.num_image=10",
    "evaluation.splits=bth",
    "trainer.precision=16",
    "batch_size=60000",
    "name=a/b",
    "data.targets=gray",
    "model=autoregressive",
    "model=binary",
    "objective=full_vb model.theta_log_var=null",
    "objective=vimco objective.sampels=3",
    "optimizer__lr=0.1",
    "optimiser=0.1",
    "optimiser=adm",
    "sampling=permutations",
    "data_root=data",
    "data=[digits,mnist]",
    "model.encoder=gausian",
    "model.prior=standard_norm",
    "init_sha256=abc",
    "data=digits early_stopping=validation",
    "data=digits evaluation.splits=valid",
    "+model/encoder=gamma",
]


def remedied(words: list[str], remedy: str) -> list[str]:
    """The command line with a remedy in the place of the override that it mends."""
    (new,) = shlex.split(remedy)
    return [*words[:-1], new]


@pytest.mark.parametrize("first", range(3))
def test_every_suggestion_is_accepted(first: int) -> None:
    failures = []
    for line in BAD[first::3]:
        words = [*(["data.path=mine.npz"] if line == "data=tensor" else []), *line.split()]
        text = message(words)
        if text is None or "\n" in text or "; try: " not in text:
            failures.append(f"{line}: {text}")
            continue
        remedy = text.rpartition("; try: ")[2]
        attempts = [remedied(words, remedy), [*words, remedy]]  # in place of the override, or beside it
        if all(message(attempt) is not None for attempt in attempts):
            failures.append(f"{line}: {remedy}: {message(attempts[0])}")
    assert not failures, "\n".join(failures)


def test_an_old_name_is_answered_with_the_new_one() -> None:
    messages = {old: message([old]) for old in RENAMED}
    expected = {old: f"{old.lstrip('+')}: renamed; try: {new}" for old, new in RENAMED.items()}
    expected["experiment/pitfalls=kl_sign"] = "experiment=pitfalls/kl_sign: renamed; try: pitfall=kl_sign"
    assert messages == expected


def test_a_suggestion_for_any_mistyped_key_and_any_value_is_accepted() -> None:
    # Every key without a letter, with values of several types: what is suggested reads that value, or is another one.
    failures = []
    every = [key for key, _ in flatten(settings()) if not key.startswith(("choices", "name")) and "_target_" not in key]
    keys = every[:: int(os.environ.get("AEVB_EVERY", "9"))]
    for index, key in enumerate(keys):
        value = ("gpu", "-1", "x", "1.5", "true", "[1,2]")[index % 6]
        for word in (f"{key[:-1]}={value}", f"+{key[:-1]}={value}"):
            text = message([word])
            remedies = [line.rpartition("; try: ")[2] for line in (text or "").splitlines() if "; try: " in line]
            for remedy in remedies:
                if "--" not in remedy and (again := message([*shlex.split(remedy)])):
                    own = [line for line in again.splitlines() if line.startswith(remedy.partition("=")[0])]
                    failures += [f"{word}: {remedy}: {line}" for line in own]
    assert not failures, "\n".join(failures)


@pytest.mark.process
def test_the_command_accepts_what_it_suggests(tmp_path: Path) -> None:
    refused = aevb("train", "trainer.first=100", "--check", folder=tmp_path)
    assert (refused.returncode, refused.stdout) == (2, "")
    remedy = refused.stderr.strip().rpartition("; try: ")[2]
    assert aevb("train", remedy, "--check", folder=tmp_path).returncode == 0
