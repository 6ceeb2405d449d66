"""Identity ignores what is not of the numbers: fingerprints, names and differences of runs."""

from aevb.config import difference, fingerprint, run_name
from helpers.commands import settings


def test_only_numbers_are_identity() -> None:
    same = [[], ["max_samples=7"], ["name=x"], ["output_dir=y"], ["logger=none"], ["evaluator=bound"], ["data.root=z"]]
    same += [["data.download=false"], ["seed=0"], ["objective.beta=1"]]
    other = [["seed=1"], ["latent_dim=3"], ["optimizer.lr=0.02"], ["batch_size=50"], ["data.targets=dynamic"]]
    other += [["trainer.threads=2"], ["trainer.block=7"], ["model=gaussian"], ["objective=sgvb_a"], ["data.scale=256"]]
    assert len({fingerprint(settings(*overrides)) for overrides in same}) == 1
    assert len({fingerprint(settings(*overrides)) for overrides in [[], *other]}) == 1 + len(other)


def named(*overrides: str) -> str:
    chosen = {"data": "mnist", "objective": "sgvb_b", "optimizer": "adagrad"}
    chosen |= {k: v for k, v in (text.split("=") for text in overrides) if k in chosen}
    config = {**settings(*overrides), "choices": chosen}
    plain = [f"{key}={value}" for key, value in chosen.items()]
    return run_name(config, settings(*plain, f"latent_dim={config['latent_dim']}", f"seed={config['seed']}"))


def test_names_of_runs() -> None:
    assert named() == "mnist-sgvb_b-adagrad-z20-s0"
    assert named("optimizer.lr=0.02") == "mnist-sgvb_b-adagrad-z20-s0-54d0f6"
    assert named("latent_dim=3", "seed=4", "data=frey_face", "objective=sgvb_a", "optimizer=adam", "max_samples=7") == (
        "frey_face-sgvb_a-adam-z3-s4"
    )
    changed = [["optimizer.lr=0.02"], ["optimizer.lr=0.1"], ["model=gaussian"], ["hidden_dim=5"]]
    names = [named(*overrides) for overrides in changed]
    assert len(set(names)) == len(names)
    for name in names:
        stem, _, digits = name.rpartition("-")
        assert stem == "mnist-sgvb_b-adagrad-z20-s0"
        assert len(digits) == 6
        assert int(digits, 16) >= 0
    assert named("optimizer.lr=0.02", "seed=1").rpartition("-")[2] == named("optimizer.lr=0.02").rpartition("-")[2]
    assert named("name=mine", "optimizer.lr=0.02") == "mine"


def test_difference_names_the_key() -> None:
    first, second = settings("optimizer.lr=0.02"), settings("max_samples=3", "objective=sgvb_a")
    assert difference(first, second) == {
        "optimizer.lr": (0.02, 0.01),
        "objective._target_": ("aevb.objectives.sgvb_b.SGVB_B", "aevb.objectives.sgvb_a.SGVB_A"),
    }
    assert difference({"a": 1}, {"b": 1}) == {"a": (1, "absent"), "b": ("absent", 1)}
