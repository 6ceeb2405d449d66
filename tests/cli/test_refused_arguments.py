"""What users of Hydra type, and what cannot be: one line that names it, exit code 2, and nothing is written."""

from pathlib import Path

import pytest

from helpers.in_process import run

BASE = ("--check", "data=digits", "evaluator=bound", "logger=none", "max_samples=30000")
SINGLE = {
    "logger=[tensorboard,csv]": "logger=[tensorboard,csv]: a list; allowed: one option of logger; try: logger=many",
    "data=[digits,mnist]": "data=[digits,mnist]: a list; allowed: one option of data; try: data=digits",
    "latent_dim={a:1}": "latent_dim={a:1}: not an integer; allowed: an integer >= 1; try: latent_dim=20",
    "latent_dim='2'": "latent_dim='2': not an integer; allowed: an integer >= 1; try: latent_dim=20",
    "--latent_dim=3": "--latent_dim=3: no such flag; try: latent_dim=3, or --help",
    "--prepar": "--prepar: no such flag; try: --prepare",
    "--experimental-rerun=x": "--experimental-rerun=x: no such flag; try: ",
    "=3": "=3: no key before the equals sign; allowed: key=value; try: ",
    "+model/encoder=gamma": "+model/encoder=gamma: the group has an option already; try: model/encoder=gamma",
    "hydra.sweep.dir=x": "hydra.sweep.dir=x: Hydra's folder of a run, in which aevb writes nothing; ",
    "hydra.foo=1": "hydra.foo=1: no such key; allowed: hydra.defaults, ",
    "hydra.launcher.n_jobs=2": "hydra.launcher.n_jobs=2: no such key; allowed: those of hydra.launcher; try: ",
    "--config-dir=nowhere": "nowhere: no such folder; allowed: a folder of YAML files; try: ",
    "seed=range(0,3)": "seed=range(0,3): several values; allowed: one, or a sweep; try: -m",
    "early_stopping=validation": "early_stopping: Digits has no validation split; allowed: ",
}
SWEEPS = {
    "seed=range(3,0)": "seed=range(3,0): no value at all; allowed: ",
    "seed=range(0,9,0)": "seed=range(0,9,0): no value at all; allowed: ",
    "seed=glob(*)": "seed=glob(*): no value at all; allowed: ",
    "optimizer=glob(zz*)": "optimizer=glob(zz*): no value at all; allowed: at least one, and a step that is not 0; try: optimizer=ad",
    "seed=range(0,1000000000)": "seed=range(0,1000000000): a sweep of 1,000,000,000 jobs or more; allowed: 10,000; try: ",
    "seed=interval(0,1)": "interval(...): a continuous range, of which only a search takes points; try: ",
    "hydra.launcher.cores=abc": "hydra.launcher.cores=abc: not an integer; allowed: an integer >= 1 or null; try: ",
    "hydra.launcher.cores=0": "hydra.launcher.cores=0: out of range; allowed: an integer >= 1 or null; try: ",
    'hydra.sweeper.params={latent_dim: "2,3"}': "hydra.sweeper.params: not on the command line; allowed: in a config file; ",
    "hydra.sweeper.params.seed=0,1": "hydra.sweeper.params.seed=0,1: several values of a setting of Hydra's; ",
}


@pytest.mark.fault(
    "a list for a group, a flag or a key of Hydra's that does not exist, an endless or empty sweep, or an invalid launcher",
    "one line that names what was typed, exit code 2; nothing is written",
)
@pytest.mark.parametrize("word", [*SINGLE, *SWEEPS])
def test_what_is_typed_is_named(
    word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    sweep = ["-m"] if word in SWEEPS else []
    assert run([*sweep, *BASE, word], monkeypatch) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert (SINGLE | SWEEPS)[word] in line
    assert list(tmp_path.iterdir()) == []


def test_a_key_that_one_option_lacks_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["-m", *BASE, "optimizer=adam,sgd", "optimizer.warmup=3"], monkeypatch) == 2
    assert "optimizer.warmup=3: no such key; allowed: optimizer.lr, " in capsys.readouterr().err


def test_own_data_without_a_validation_split(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # Known only when the file was read, and still before torch is loaded and anything is written.
    import numpy as np

    monkeypatch.chdir(tmp_path)
    np.save("x.npy", np.random.default_rng(0).random((300, 4)))
    words = ["data=array", "data.path=x.npy", "evaluator=bound", "logger=none", "early_stopping=validation"]
    assert run(words, monkeypatch) == 2
    output = capsys.readouterr()
    assert (
        "early_stopping: x.npy has no validation split; allowed: data with one, such as mnist, or a file of yours with valid;"
        in output.err
    )
    assert output.out == ""
    assert [path.name for path in tmp_path.iterdir()] == ["x.npy"]


def test_own_data_that_float32_cannot_square(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import numpy as np

    monkeypatch.chdir(tmp_path)
    np.save("x.npy", 1e30 * np.random.default_rng(0).random((300, 4)))
    words = ["--check", "data=array", "data.path=x.npy", "evaluator=bound", "model=gaussian_linear"]
    assert run(words, monkeypatch) == 2
    assert "whose squares are no float32; allowed: -1e+19 to 1e+19; try: (x - x.mean(0)) / x" in capsys.readouterr().err


def test_own_data_in_a_unit_whose_squares_are_below_float32(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Training diverged at the first minibatch, with the advice of a smaller learning rate."""
    import numpy as np

    monkeypatch.chdir(tmp_path)
    x = np.random.default_rng(0).standard_normal((300, 4))
    np.save("x.npy", x * [1, 1, 1e-25, 1])
    words = ["--check", "data=array", "data.path=x.npy", "evaluator=bound", "model=gaussian_linear"]
    assert run(words, monkeypatch) == 2
    assert (
        "a column whose values differ by 6.7e-25 at most, the square of which is no float32" in capsys.readouterr().err
    )
    assert run([*words, "trainer.precision=64"], monkeypatch) == 0


@pytest.mark.parametrize("word", ["logger.mode=offline", "evaluation.run=3", "trainer.verbose=true"])
def test_a_key_of_hydra_is_not_suggested_for_another(
    word: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["--check", word], monkeypatch) == 2
    message = capsys.readouterr().err
    assert f"{word}: no such key; allowed: " in message
    assert "try: hydra" not in message


def test_a_config_path_that_hides_those_of_aevb(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mytrain.yaml").write_text("defaults: [train]\n")
    assert run([f"--config-path={tmp_path}", "-cn", "mytrain", "--check"], monkeypatch) == 2
    assert "; try: --config-dir in its place" in capsys.readouterr().err
    assert run([f"--config-dir={tmp_path}", "-cn", "mytrain", *BASE], monkeypatch) == 0
