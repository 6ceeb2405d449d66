"""The page and its worker, executed by node: a newer request ends what takes long for an older one."""

import json
import subprocess
from pathlib import Path

import pytest

from aevb.explorer.page import resource
from helpers.explorer_pages import NODE

pytestmark = pytest.mark.skipif(NODE is None, reason="no node on the PATH: apt-get install nodejs")

PAGE = """
globalThis.document = { getElementById: () => ({ textContent: '[{"latent_dim": 5}]' }) };
globalThis.requestAnimationFrame = () => 1;
"""
REQUESTS = """
const sent = [], answers = [];
worker = { postMessage: ({ kind, number, payload }) => sent.push([kind, number, payload ?? null]) };
for (const image of [1, 2, 3]) ask("evaluate", { image }, (answer) => answers.push(answer));
requests.evaluate.sent.done(null); // as the worker answers a request that it has not finished
requests.evaluate.sent = null;
send("evaluate");
console.log(JSON.stringify({ sent, answers }));
"""
ARITHMETIC = """
const drawn = [];
const [ofClass, encode, bound] = [(model) => model, () => ({ mean: [0], logVar: [0] }), () => ({})];
const logWeights = (model, x, q, from, to) => (drawn.push([from, to]), new Array(to - from).fill(0));
const importanceEstimate = (weights) => ({ samples: weights.length });
"""
LONG = """
const posted = [];
globalThis.postMessage = (message) => posted.push(message);
base = { J: 1, noise: new Array(1000), info: { importance_samples: 10 } };
onmessage({ data: { kind: "evaluate", number: 1, payload: { x: [0], y: 0, final: true } } });
setTimeout(() => onmessage({ data: { kind: NEWER, number: 2 } }));
setTimeout(() => console.log(JSON.stringify({ drawn, posted })), 300);
"""


def executed(folder: Path, *parts: str) -> dict[str, list[object]]:
    """What the last part of a program prints, as JSON."""
    program = folder / "program.js"
    program.write_text("\n".join(parts).replace('"use strict";', ""))
    done = subprocess.run([str(NODE), str(program)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    result: dict[str, list[object]] = json.loads(done.stdout)
    return result


def test_the_worker_learns_of_a_newer_request_and_gets_only_the_newest(tmp_path: Path) -> None:
    result = executed(tmp_path, PAGE, resource("state.js"), REQUESTS)
    assert result["sent"] == [
        ["evaluate", 1, {"image": 1}],
        ["evaluate", 2, None],
        ["evaluate", 3, None],
        ["evaluate", 4, {"image": 3}],
    ]
    assert result["answers"] == []


@pytest.mark.parametrize(("newer", "ends_early"), [("evaluate", True), ("manifold", False)])
def test_a_newer_request_of_the_same_kind_ends_an_estimate(newer: str, ends_early: bool, tmp_path: Path) -> None:
    """Importance sampling with all draws, a hundred at a time; 1,000 of them are ten turns of the event loop."""
    long = LONG.replace("NEWER", json.dumps(newer))
    result = executed(tmp_path, ARITHMETIC, resource("worker.js"), long)
    (answer,) = result["posted"]
    assert isinstance(answer, dict)
    assert (answer["kind"], answer["number"]) == ("evaluate", 1)
    assert (answer["answer"] is None) == ends_early
    assert (len(result["drawn"]) < 10) == ends_early
