"""How the commands start: quickly, with help, completion and scripts of the same name, and tracebacks where they belong."""

import os
import sys
from pathlib import Path

import pytest

from aevb.config import options
from helpers.commands import TINY, aevb, errors, process

QUICK = [
    (["--help"], 0, {}),
    (["-sc", "install=bash"], 0, {}),
    (["-sc", "query=bash"], 0, {"COMP_LINE": "aevb-train o"}),
    (["--cfg", "job"], 0, {}),
    (["nonsense=1"], 2, {}),
    (["+nonsense=1"], 2, {}),
]
# Each command line in a fork of a new process that has loaded what every one of them loads: Hydra and the command itself.
FORKS = """
import os, sys
import hydra, aevb.cli.hydra_app
from aevb.cli.COMMAND import COMMAND
for number, (arguments, _, env) in enumerate(QUICK):
    child = os.fork()
    if child == 0:
        for handle, name in ((1, "out"), (2, "err")):
            os.dup2(os.open(f"{number}.{name}", os.O_WRONLY | os.O_CREAT), handle)
        os.environ.update(env)
        sys.argv = [SCRIPT, *arguments]
        sys.exit(COMMAND())
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def imported(text: str) -> set[str]:
    """The modules in what -X importtime has said."""
    lines = [line for line in text.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip() for line in lines}


@pytest.mark.parametrize("command", ["train", "evaluate", "figure"])
def test_what_must_be_quick_imports_no_torch(command: str, tmp_path: Path) -> None:
    script = str(Path(sys.executable).with_name(f"aevb-{command}"))
    program = FORKS.replace("COMMAND", command).replace("SCRIPT", repr(script)).replace("QUICK", repr(QUICK))
    result = process([sys.executable, "-X", "importtime", "-c", program], tmp_path)
    assert result.returncode == 0, result.stderr
    assert [int(code) for code in result.stdout.split()] == [code for _, code, _ in QUICK]
    common = imported(result.stderr)
    assert "hydra" in common
    own: set[str] = set()
    for number, (arguments, code, _) in enumerate(QUICK):
        out, err = ((tmp_path / f"{number}.{name}").read_text() for name in ("out", "err"))
        own_modules = imported(err)
        own |= own_modules
        assert not {"torch", "lightning", "numpy", "matplotlib"} & (common | own_modules), arguments
        assert bool(out) == (code == 0)
    assert own  # some import something themselves: the lines are there to be read


@pytest.mark.parametrize("command", ["train", "evaluate", "figure"])
def test_help(command: str, tmp_path: Path) -> None:
    result = aevb(command, "--help", folder=tmp_path)
    assert result.returncode == 0
    assert errors(result) == ""
    examples = result.stdout.partition("Examples\n")[2].splitlines()[:3]
    assert all(line.strip().startswith(f"aevb-{command} ") for line in examples)
    words = {
        "train": ["sgvb_b*, ", "latent_dim", "max_samples", "outputs/runs"],
        "evaluate": [
            "ais, bdmc, bits_per_dim, bound*, calibration, classification, enumeration,",
            "fitted_bound, importance*, inference_gap, information, predictive, quadrature,",
        ],
    }
    assert all(word in result.stdout for word in words.get(command, ["runs"]))
    assert "$" not in result.stdout.replace('"$(aevb', "")


COMPLETIONS = {
    "aevb-train optimizer=": ["optimizer=adagrad", "optimizer=adagrad_torch", "optimizer=adam", "optimizer=sgd"],
    "aevb-train objective=sgvb_a laten": ["latent_dim="],
    "aevb-train data=digits -m --trust os obj": ["objective.", "objective="],
    "aevb-train objective=": [f"objective={name}" for name in options("objective")],
    "aevb-train optimizer=adam optimizer.b": ["optimizer.betas."],
    "aevb-train latent_dim== x": [],
}


@pytest.fixture(scope="module")
def completed(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What a shell in which the completion was installed once makes of each of COMPLETIONS."""
    script = 'eval "$(aevb-train -sc install=bash)"; [ -n "$(complete -p aevb-train)" ] || exit 7\n'
    for line in COMPLETIONS:
        words = line.split() + ([""] if line.endswith(" ") else [])
        script += f'COMPREPLY=(); COMP_LINE="{line}"; COMP_POINT={len(line)}; COMP_WORDS=({line})\n'
        script += f'COMP_CWORD={len(words) - 1}; hydra_bash_completion; echo "${{COMPREPLY[*]}}"\n'
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    result = process(["bash", "--norc", "-c", script], tmp_path_factory.mktemp("completion"), {"PATH": path})
    assert (result.returncode, errors(result)) == (0, "")
    return result.stdout.splitlines()


@pytest.mark.parametrize("number", range(len(COMPLETIONS)), ids=list(COMPLETIONS))
def test_tab_completion_in_a_real_shell(number: int, completed: list[str]) -> None:
    assert len(completed) == len(COMPLETIONS)
    assert completed[number].split() == list(COMPLETIONS.values())[number]


def test_a_traceback_is_kept_where_it_is_asked_for_or_unexpected(tmp_path: Path) -> None:
    result = aevb("train", "objective=sgbv_b", folder=tmp_path, env={"HYDRA_FULL_ERROR": "1"})
    assert "Traceback" in result.stderr
    # The second has the name of a file, as a directory given for Hydra's own files would.
    for name, error in (("one", "RuntimeError('by itself')"), ("two", "FileNotFoundError(2, 'by itself', 'nowhere')")):
        (tmp_path / f"{name}.py").write_text(f"class Data:\n    def __init__(self): raise {error}\n")
        data = (f"data._target_={name}.Data", "~data.targets", "~data.n_train")
        result = aevb("train", f"--trust={name}", *TINY, *data, folder=tmp_path)
        assert result.returncode == 1
        assert "Traceback" in result.stderr
        assert "by itself" in result.stderr
        assert not (tmp_path / "outputs").exists()
