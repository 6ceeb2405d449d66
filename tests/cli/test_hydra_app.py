"""Refusals: one line that names the key, exit code 2, nothing left behind. Through the commands as they are installed."""

import gzip
import subprocess
import sys
from pathlib import Path

import pytest
from hydra.plugins.sweeper import Sweeper

from aevb.cli import hydra_policy
from aevb.config import options
from helpers.commands import REPOSITORY, aevb, process, python

OFFLINE = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")


def refused(result: subprocess.CompletedProcess[str], folder: Path, *words: str) -> str:
    """The one line of a refusal, after checking that it is one and that nothing was left."""
    assert result.returncode == 2, result
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    assert all(word in lines[0] for word in words), lines[0]
    assert not (folder / "outputs").exists()
    return lines[0]


@pytest.mark.fault(
    "`+` before a key that does not exist, an option that is null, an invalid path",
    "one line that names the key, exit code 2",
)
@pytest.mark.parametrize(
    ("arguments", "start", "words"),
    [
        ("latent_dim=0", "latent_dim=0: out of range", ["allowed: an integer >= 1", "try: latent_dim=20"]),
        ("latent_dim=abc", "latent_dim=abc: not an integer", ["allowed: an integer >= 1", "try: latent_dim=20"]),
        ("max_samples=-1", "max_samples=-1: out of range", ["allowed: an integer >= 1", "try: max_samples=1000000"]),
        ("seed=1e30", "seed=1e+30: out of range", ["<= 4294967295", "try: seed=0"]),
        ("cores=0", "cores=0: no such key; did you mean evaluation.cores?", ["try: evaluation.cores=null"]),
        ("evaluation.cores=0", "evaluation.cores=0: out of range", ["or null; try: evaluation.cores=null"]),
        ("name=true", "name=true: not text; allowed: text or null", ["try: name=null"]),
        ("trainer.threads=100000", "trainer.threads=100000: out of range", [">= 1 and <= 1024"]),
        ("max_samples=1.5", "max_samples=1.5: not an integer", []),
        ("+latnet_dim=3", "latnet_dim=3: no such key; did you mean latent_dim?", ["allowed: ", "try: latent_dim=3"]),
        ("latnet_dim=3", "latnet_dim=3: no such key; did you mean latent_dim?", ["allowed: ", "try: latent_dim=3"]),
        ("model.latnet_dim=3", "model.latnet_dim=3: no such key; did you mean latent_dim?", ["model.encoder"]),
        ("+model.latnet_dim=3", "model.latnet_dim=3: no such key; did you mean latent_dim?", ["encoder"]),
        (
            "++model.prior.latnet_dim=3",
            "model.prior.latnet_dim=3: no such key",
            ["did you mean model.prior.latent_dim?"],
        ),
        (
            "objective=sgbv_b",
            "objective=sgbv_b: no such option; did you mean sgvb_b?",
            ["sgvb_a, sgvb_b, ", "try: objective=sgvb_b"],
        ),
        ("experiment=nope", "experiment=nope: no such option", []),
        ("experiment=figure2", "experiment=figure2: no such option; did you mean figure2_mnist?", []),
        ("objektive=sgvb_b", "objektive=sgvb_b: no such key; did you mean objective?", []),
        ("+latent_dim=3", "+latent_dim=3: the key exists; try: latent_dim=3", []),
        ("optimizer.learning_rate=1", "optimizer.learning_rate=1: no such key; did you mean optimizer.lr?", ["lr=1"]),
        ("z_dim=2", "z_dim=2: no such key; did you mean latent_dim?", ["try: latent_dim=2"]),
        ("+model.encoder.n_hidden=9", "model.encoder.n_hidden=9: no such key; did you mean hidden_dim?", []),
        ("objective.K=5", "objective.K=5: no such key; did you mean objective.samples?", ["try: objective.samples=5"]),
        ("latent_dim=[2", "latent_dim=[2: not an integer", []),
        ("latent_dim", "latent_dim: not of the form key=value", []),
        ("digits", "digits: not of the form key=value", ["try: data=digits"]),
        ("data=MNIST", "data=MNIST: no such option; did you mean mnist?", ["try: data=mnist"]),
        ("objective=elbo", "objective=elbo: no such option; did you mean sgvb_b?", ["try: objective=sgvb_b"]),
        ("epochs=3", "epochs=3: no such key; the length of a run is max_samples", ["try: max_samples=1e6"]),
        ("wake_sleep", "wake_sleep: not of the form key=value", ["try: objective=wake_sleep"]),
        ("optimizer.lr=0", "optimizer.lr=0: out of range", ["allowed: a number > 0", "try: optimizer.lr=0.01"]),
        ("batch_size=100000", "batch_size=100000: more than", ["<= data.n_train=50000", "try: batch_size=100"]),
        (
            "data=digits batch_size=100000",
            "batch_size=100000: more than",
            ["<= data.n_train=1437", "try: batch_size=100"],
        ),
        ("model._target_=os.system", "model._target_=os.system: not a target", ["allowed: ", "--trust"]),
        ("optimizer._target_=aevb.optimisers.torch.adam", "optimizer._target_=", ["try: aevb.optimizers.torch.adam"]),
        ("data=array data.path=no.npz", "data.path=no.npz: ", []),
        ("--config-name nope", "--config-name=nope: no such config", ["allowed: train", "try: without it"]),
        ("-m hydra/launcher=submitit_nope", "hydra/launcher=submitit_nope: not installed", ["aevb[cluster]"]),
        ("--foo", "--foo: no such flag", ["try: --help"]),
        ("--info nope", "argument --info/-i: invalid choice: 'nope'", ["try: --help"]),
        ("--cfg job --run", "--run --cfg: not together", ["allowed: one of them"]),
        ("--cfg job -m latent_dim=2,5", "-m --cfg: not together", []),
        ("--resolve", "--resolve: only with --cfg", []),
        ("--check latent_dim=0", "latent_dim=0: out of range", ["try: latent_dim=20"]),
        (
            "evaluator.mine._target_=mine.Own",
            "evaluator.mine._target_=mine.Own: nothing is built there",
            ["try: +evaluator.mine._target_=mine.Own"],
        ),
        ("+schedule._target_=a.B", "+schedule._target_=a.B: the key exists", ["try: schedule._target_=a.B"]),
        ("+data._target_=a.B", "+data._target_=a.B: the key exists", ["try: data._target_=a.B"]),
        ("~objective.bet", "~objective.bet: no such key, so there is nothing to remove", ["try: without it"]),
        ("data=digits --config-dir . latent_dim=0", "latent_dim=0: out of range", []),  # a flag between overrides
        ("data=digits latent_dim=0 --config-dir", "argument --config-dir/-cd: expected one argument", []),
        ("--trust", "--trust : not the name of a module", []),
        ("--trust no_such_module", "--trust no_such_module: no such module", []),
        ("experiment=figure2_mnist selection=null", "selection=null: a group takes", ["try: '~selection'"]),
        (
            "objective=null",
            "objective=null: a group takes the name of an option",
            [f"try: objective={options('objective')[0]}"],
        ),
        (
            "model=two_layer objective=iwae model/prior=vamp",
            "model/prior=vamp: the model that is chosen has a prior of its own",
            ["try: model=bernoulli model/prior=vamp"],
        ),
        ("+hydra.foo=1", "hydra.foo=1: no such key", ["allowed: "]),
        ("++hydra.job.nmae=x -m latent_dim=2,3", "hydra.job.nmae=x: no such key; did you mean hydra.job.name?", []),
        ("hydra.run.dir=/dev/null/x", "hydra.run.dir=/dev/null/x: Hydra's folder of a run", ["try: output_dir="]),
        ("hydra.run.dir=x --check", "hydra.run.dir=x: Hydra's folder of a run", ["try: output_dir=x"]),
        ("-m seed=range(0,2),1", "seed=range(0,2),1: range(0,2) beside other values", ["try: seed=0,1,2"]),
        ("--check data=array", "data.path=null: data=array needs a file", ["try: data.path=FILE.npz"]),
        (
            "--check data=synthetic data.rows=6 model=convolutional",
            "model.decoder=ConvolutionalGaussianDecoder: images of 6 x 4 pixels",
            ["allowed: rows and columns that are multiples of 4"],
        ),
        (
            "data=synthetic model=bernoulli",
            "model.decoder=BernoulliDecoder: needs targets in [0, 1]",
            ["model=gaussian"],
        ),
        (
            "objective=full_vb model.theta_log_var=null",
            "model.theta_log_var=null: FullVB needs a q(theta)",
            ["allowed: a number", "try: model.theta_log_var=-6"],
        ),
        ("+model.theta_log_var=-6", "model.theta_log_var=-6.0: SGVB_B trains no q(theta)", ["try: objective=full_vb"]),
        (
            "objective=score_function objective.baseline=leave_one_out",
            "objective.samples=1: leave_one_out needs other samples",
            ["an integer >= 2", "try: objective.samples=5"],
        ),
        (
            "--check data=digits objective=lagging model/encoder=gamma",
            "model.encoder.family=gamma: objective=lagging watches I(x; z)",
            ["try: model=bernoulli, or objective=sgvb_a"],
        ),
        ("-m seed=1,2 name=x${hydra:job.num}", "name=x${hydra:job.num}: the same run", ["try: 'name=x${seed}'"]),
        ("name=x${hydra:job.id}", "name=x${hydra:job.id}: the same run", ["try: 'name=x${seed}'"]),
        ("-m objective=sgvb_a,sgbv_b", "objective=sgbv_b: no such option", []),
    ],
)
def test_train_refuses(arguments: str, start: str, words: list[str], tmp_path: Path) -> None:
    result = aevb("train", *arguments.split(), folder=tmp_path)
    assert refused(result, tmp_path, *words).startswith(f"aevb-train: {start}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.fault(
    "an objective, a decoder or a batch size that does not fit the devices or the data",
    "one line for each fault, before torch is loaded",
)
def test_what_cannot_be_shared_among_devices_is_refused_without_torch(tmp_path: Path) -> None:
    (tmp_path / "odd.py").write_text(
        "from aevb.objectives.sgvb_b import SGVB_B\nclass Odd(SGVB_B):\n    mean_over_data = False\n"
        "class Odder(Odd):\n    mean_over_data: bool = True\n"
    )
    odd = ("--trust", "odd", "--check", "data=digits")
    for target, devices, size, keys in (
        ("Odd", 2, 99, ["batch_size=99", "trainer.devices=2"]),  # both faults at once
        ("Odd", 1, 99, []),
        ("Odder", 2, 100, []),
    ):
        overrides = (f"objective._target_=odd.{target}", f"trainer.devices={devices}", f"batch_size={size}")
        result = aevb("train", *odd, *overrides, folder=tmp_path)
        assert result.returncode == (2 if keys else 0), result.stderr
        assert [line.split(": ")[1] for line in result.stderr.splitlines()] == keys
        assert ("the loss of Odd is no mean over data" in result.stderr) == bool(keys)


@pytest.mark.parametrize(
    ("values", "list_of_them"), [("seed=1,2", ""), ("hidden_dim=2,5", ", or 'hidden_dim=[2,5]' for a list")]
)
def test_a_list_is_offered_only_where_it_is_allowed(values: str, list_of_them: str, tmp_path: Path) -> None:
    line = refused(aevb("train", "data=digits", values, folder=tmp_path), tmp_path)
    assert line == f"aevb-train: {values}: several values; allowed: one; try: -m for one run of each{list_of_them}"


def test_several_faults_are_several_lines(tmp_path: Path) -> None:
    result = aevb("train", "latent_dim=0", "optimizer.lr=x", folder=tmp_path)
    assert [line.split(":")[1].strip() for line in result.stderr.splitlines()] == ["latent_dim=0", "optimizer.lr=x"]


@pytest.mark.parametrize("arguments", ["hydra.mode=MULTIRUN latent_dim=5,-1", "latent_dim=5,-1 -m seed=3"])
def test_a_sweep_with_a_bad_point_starts_nothing(arguments: str, tmp_path: Path) -> None:
    result = aevb("train", *arguments.split(), folder=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.splitlines() == [
        "aevb-train: latent_dim=-1: latent_dim=-1: out of range; allowed: an integer >= 1; try: latent_dim=20",
        "aevb-train: 1 of the sweep's 2 jobs refused; nothing was started",
    ]
    assert list(tmp_path.iterdir()) == []


def test_a_target_that_writes_files_writes_none(tmp_path: Path) -> None:
    node = "{_target_:pathlib.Path.write_text,self:proof,data:x}"
    refused(aevb("train", f"data={node}", folder=tmp_path), tmp_path, "takes the name of an option")
    refused(aevb("train", f"+model.activation={node}", folder=tmp_path), tmp_path, "model.activation=")
    arguments = ["++data._target_=pathlib.Path.write_text", "++data.self=proof", "++data.data=x"]
    refused(aevb("train", *arguments, folder=tmp_path), tmp_path, "data._target_=pathlib.Path.write_text: not a target")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.fault(
    "no data and no network",
    "one line that names the files and where to put them",
)
def test_no_data_and_no_network(tmp_path: Path) -> None:
    line = refused(aevb("train", "data.root=nowhere", folder=tmp_path, env=OFFLINE), tmp_path, "data=digits")
    assert line.startswith("aevb-train: data.root=nowhere")
    assert "train-images-idx3-ubyte" in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.fault(
    "a truncated data file",
    "refused with one line that names the file",
)
def test_a_truncated_file_is_named(tmp_path: Path) -> None:
    raw = tmp_path / "data" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        (raw / f"{name}-ubyte.gz").write_bytes(gzip.compress(bytes(1000))[:20])
    refused(aevb("train", "data.download=false", folder=tmp_path, env=OFFLINE), tmp_path, "-ubyte.gz")


@pytest.mark.parametrize("command", ["evaluate", "train", "figure"])
def test_what_is_no_run(command: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    if command == "evaluate":
        line = refused(aevb("evaluate", "run=folder", folder=tmp_path), tmp_path, "not a run", "try: ls ")
        assert line.startswith("aevb-evaluate: run=folder: ")
        line = refused(aevb("evaluate", folder=tmp_path), tmp_path, "missing", "try: run=outputs/runs/NAME")
        assert line.startswith("aevb-evaluate: run: ")
        refused(
            aevb("evaluate", "run=folder", "split=tset", folder=tmp_path), tmp_path, "split=tset", "try: split=test"
        )
    elif command == "train":
        refused(aevb("train", "run=folder", folder=tmp_path), tmp_path, "run=folder: no such key")
    else:
        refused(aevb("figure", "figure=figur2", folder=tmp_path), tmp_path, "figure=figur2: no such option")


def test_a_run_directory_from_elsewhere_is_data(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    nodes = "\n".join(
        f"{group}: {{_target_: pathlib.Path.write_text, self: proof, data: x}}"
        for group in ("data", "trainer", "model", "objective", "optimizer")
    )
    (run / "config.yaml").write_text(f"seed: 0\nmax_samples: 10\nbatch_size: 1\n{nodes}\n")
    (run / "DONE").write_text('{"samples_seen": 10, "shape": [2, 2]}')
    refused(aevb("evaluate", "run=run", folder=tmp_path), tmp_path, "not a target that a config may name")
    refused(
        python("-m", "aevb.execution.worker", "run", folder=tmp_path), tmp_path, "not a target that a config may name"
    )
    assert not (tmp_path / "proof").exists()


@pytest.mark.parametrize("command", ["train", "evaluate", "figure"])
def test_scripts_are_the_commands(command: str, tmp_path: Path) -> None:
    script = REPOSITORY / "scripts" / f"{command}.py"
    assert len(script.read_text().split("\n\n")[0].splitlines()) + 1 <= 3
    result = process([sys.executable, str(script), "nonsense=1"], tmp_path)
    assert refused(result, tmp_path).startswith(f"aevb-{command}: nonsense=1: no such key")


def test_hydra_does_not_compose_the_points_again() -> None:
    with hydra_policy.installed():
        Sweeper.validate_batch_is_legal(object(), [["no.such.key=1"]])  # type: ignore[arg-type]
