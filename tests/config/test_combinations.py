"""Rules about values that do not go together, and warnings about values without effect."""

import ast
import inspect
import re
from itertools import pairwise
from pathlib import Path

import pytest

from aevb.config import ConfigError, combinations, model_rules, options, training_rules, validate, warnings
from aevb.config.class_attributes import classes, computed_attributes
from aevb.config.model_rules import objectives_for_discrete_latents
from aevb.config.resolved import STATED
from aevb.data.dataset import Dataset
from helpers.commands import composed, settings

ODD = """
from aevb.objectives.sgvb_b import SGVB_B

class Plain(SGVB_B):
    mean_over_data = False

class Assigned(SGVB_B):
    def __init__(self, samples: int = 1) -> None:
        super().__init__(samples)
        self.mean_over_data = samples > 1

class Property(SGVB_B):
    @property
    def over_theta(self) -> bool:
        return True

class Expression(SGVB_B):
    reparameterised = not True

class Inherits(Property):
    pass
"""

ODD_NETWORKS = """
from aevb.models.bernoulli import BernoulliDecoder
from aevb.models.gaussian import GaussianEncoder
from aevb.models.prior import StandardNormal

class OddEncoder(GaussianEncoder):
    discrete = not True

class OddDecoder(BernoulliDecoder):
    @property
    def likelihood(self) -> str:
        return "gaussian"

class OddPrior(StandardNormal):
    capturable = bool(1)
"""


@pytest.mark.parametrize(
    ("name", "flag"),
    [
        ("Assigned", "mean_over_data"),
        ("Property", "over_theta"),
        ("Expression", "reparameterised"),
        ("Inherits", "over_theta"),
    ],
)
def test_a_computed_flag_of_an_objective_is_refused(
    name: str, flag: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "odd_flags.py").write_text(ODD)
    monkeypatch.syspath_prepend(str(tmp_path))
    cfg = composed(f"objective._target_=odd_flags.{name}", "~objective.beta", "~objective.weight_prior")
    with pytest.raises(ConfigError) as error:
        validate(cfg, ("odd_flags",))
    (line,) = [line for line in error.value.faults if " is computed" in line]
    assert line.startswith(f"objective._target_=odd_flags.{name}: {flag} is computed")


def test_literal_flags_are_no_computed_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "odd_flags.py").write_text(ODD)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert computed_attributes("odd_flags.Plain", ("mean_over_data", "capturable"), ("odd_flags",)) == []


@pytest.mark.parametrize(
    ("node", "name", "flag"),
    [
        ("model.encoder", "OddEncoder", "discrete"),
        ("model.decoder", "OddDecoder", "likelihood"),
        ("model.prior", "OddPrior", "capturable"),
    ],
)
def test_a_computed_flag_of_a_network_is_refused(
    node: str, name: str, flag: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "odd_networks.py").write_text(ODD_NETWORKS)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ConfigError) as error:
        validate(composed(f"{node}._target_=odd_networks.{name}"), ("odd_networks",))
    (line,) = [line for line in error.value.faults if " is computed" in line]
    assert line.startswith(f"{node}._target_=odd_networks.{name}: {flag} is computed")
    assert f"allowed: a literal in the class body, `{flag} = " in line


def test_every_flag_that_is_read_is_documented_in_its_base_class() -> None:
    """A flag is what the rules ask of a class, or what the computed ones are refused for."""
    bases = {
        "objective": "aevb.objectives.objective.Objective",
        "model": "aevb.models.vae.VAE",
        "model.encoder": "aevb.models.base.Encoder",
        "model.decoder": "aevb.models.base.Decoder",
        "model.prior": "aevb.models.base.Prior",
    }
    sources = "".join(inspect.getsource(module) for module in (combinations, model_rules, training_rules))
    calls = re.findall(r"\.states\(\"([\w.]+)\", \"(\w+)\"\)", sources)
    flags = {(node, name) for node, name in calls if node != "data"}
    assert len(flags) > 4
    assert flags <= {(node, name) for node, names in STATED.items() for name in names}
    undocumented = [
        (node, name) for node, names in STATED.items() for name in names if name not in _documented(bases[node])
    ]
    assert undocumented == []
    assert "unit_interval: Whether" in (inspect.getdoc(Dataset) or "")


def _documented(target: str) -> set[str]:
    """The attributes of a class body, or of its bases, that a string follows."""
    names = set()
    for node in classes(target):
        for statement, following in pairwise(node.body):
            text = isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant)
            if isinstance(statement, ast.AnnAssign) and statement.value is not None and text:
                names.add(ast.unparse(statement.target))
    return names


def test_listed_objectives_train_binary_latents_and_others_do_not() -> None:
    listed = objectives_for_discrete_latents()
    assert {"arm", "vimco", "nvil", "score_function", "wake_sleep", "exact_bound"} == set(listed)
    accepted = []
    for option in options("objective"):
        try:
            settings("model=binary", f"objective={option}")
        except ConfigError:
            continue
        accepted.append(option)
    assert set(listed) <= set(accepted)
    assert not {"sgvb_a", "sgvb_b", "iwae", "dreg", "beta_vae", "mmd", "full_vb", "autoencoder"} & set(accepted)


@pytest.mark.parametrize(
    ("overrides", "warned"),
    [
        (["max_samples=5000"], True),
        (["max_samples=10000"], True),
        (["max_samples=10001"], False),
        (["max_samples=5000", "optimizer.warmup=0"], False),
        (["max_samples=5000", "optimizer=adam"], False),
        (["max_samples=5000", "batch_size=10"], False),
    ],
)
def test_a_budget_within_the_warm_up_is_warned_of(overrides: list[str], warned: bool) -> None:
    lines = warnings(settings("data=digits", *overrides))
    assert len(lines) == warned
    if warned:
        assert lines[0].startswith(f"{overrides[0]}: within the optimizer's warm-up")
        remedy = lines[0].partition("try: ")[2].partition(",")[0]
        assert warnings(settings("data=digits", *overrides, remedy)) == []


@pytest.mark.parametrize(
    ("prior", "target", "warned"), [(1.0, "AdamW", True), (0.0, "AdamW", False), (1.0, "Adam", False)]
)
def test_a_decoupled_weight_decay_is_no_prior(prior: float, target: str, warned: bool) -> None:
    values = settings("data=digits", "optimizer=adam", f"objective.weight_prior={prior}")
    lines = warnings({**values, "optimizer": {**values["optimizer"], "_target_": f"torch.optim.{target}"}})
    assert len(lines) == warned
    assert all("try: objective.weight_prior=0 +optimizer.weight_decay=0.01" in line for line in lines)


def test_early_stopping_that_begins_after_the_end_is_warned_of() -> None:
    overrides = ("data=mnist", "optimizer=adam", "early_stopping=validation", "max_samples=40000")
    (line,) = warnings(settings(*overrides))
    assert line.startswith("early_stopping.start=100000: after the last of max_samples=40000")
    assert warnings(settings(*overrides, line.partition("try: ")[2])) == []
    assert warnings(settings(*overrides[:3], "max_samples=100000")) == []


@pytest.mark.parametrize(
    ("overrides", "fault"),
    [
        (
            ("trainer.microbatches=3",),
            "batch_size=100: cannot be shared evenly; allowed: a multiple of trainer.devices=1 * "
            "trainer.microbatches=3; try: batch_size=99",
        ),
        (
            ("objective=beta_tcvae", "batch_size=1"),
            "batch_size=1: the loss of BetaTCVAE compares the images of a minibatch; allowed: an integer >= 2; try: "
            "batch_size=100",
        ),
        (
            ("objective=lagging", "objective@objective.objective=mmd", "batch_size=1"),
            "batch_size=1: the loss of MMD compares the images of a minibatch; allowed: an integer >= 2; try: batch_size=100",
        ),
        (
            ("objective=beta_vae", "objective.free_bits=0.1", "trainer.microbatches=2"),
            "trainer.microbatches=2: the loss of BetaVAE with free_bits=0.1 is no mean over data, so it cannot be computed in "
            "shares; allowed: 1; try: trainer.microbatches=1",
        ),
        (
            ("objective=beta_vae", "objective.free_bits=0.1", "trainer=ddp"),
            "trainer.devices=2: the loss of BetaVAE with free_bits=0.1 is no mean over data, so devices cannot share it; "
            "allowed: 1; try: trainer.devices=1",
        ),
        (
            ("objective=nvil", "model=binary", "trainer.microbatches=2"),
            "trainer.microbatches=2: the loss of NVIL is no mean over data, so it cannot be computed in shares; "
            "allowed: 1; try: trainer.microbatches=1",
        ),
        (
            ("early_stopping=validation", "evaluator=importance"),
            "evaluator: early stopping watches the validation bound, which the evaluator bound computes; "
            "allowed: evaluators with bound among them; try: 'evaluator=[bound,importance]'",
        ),
        (
            ("init_optimizer=true",),
            "init_optimizer=true: there is no init_from; allowed: false; try: init_from=outputs/runs/NAME",
        ),
        (
            ("schedule=step", "schedule.every=1", "schedule.gamma=10", "optimizer.lr=0.1", "max_samples=41"),
            "schedule.gamma=10.0: the learning rate would be above 1e+38 after 40 changes; allowed: a number > 0, here below "
            "9.441; try: schedule.gamma=0.5",
        ),
    ],
)
def test_schedules_and_stopping_that_do_not_go_together(overrides, fault):
    with pytest.raises(ConfigError) as error:
        settings(*overrides)
    assert error.value.faults == [fault]


def test_a_learning_rate_may_rise():
    settings("schedule=step", "schedule.every=1", "schedule.gamma=10", "optimizer.lr=0.1", "max_samples=39")


@pytest.mark.parametrize("objective", ["gan", "mcem", "variational_em"])
@pytest.mark.parametrize(
    ("logger", "key"),
    [
        (("logger=posterior_means",), "logger"),
        (("logger=many", "+logger@logger.loggers.means=posterior_means"), "logger.loggers.means"),
    ],
)
def test_means_of_a_posterior_need_an_encoder(objective, logger, key):
    with pytest.raises(ConfigError) as error:
        settings("data=digits", f"objective={objective}", "latent_dim=3", *logger)
    assert error.value.faults == [
        f"{key}=posterior_means: records means of q(z|x), and the model of objective={objective} has no encoder; "
        "allowed: tensorboard, csv, none; try: logger=tensorboard"
    ]
    settings("data=digits", f"objective={objective}", "latent_dim=3", "logger=tensorboard")
    settings("data=digits", *logger)


@pytest.mark.parametrize(
    ("logger", "path"),
    [
        (("logger=lightning",), "logger"),
        (("logger=many", "+logger@logger.loggers.own=lightning"), "logger.loggers.own"),
    ],
)
def test_a_logger_of_lightning_is_chosen(logger, path):
    with pytest.raises(ConfigError) as error:
        settings("data=digits", *logger)
    (fault,) = error.value.faults
    assert fault.startswith(
        f"{path}.logger=null: no logger; allowed: a logger of Lightning by its class; try: '+{path}.logger._target_="
    )
