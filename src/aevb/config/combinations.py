"""Rules about values that are each valid and do not go together, and warnings about values that have no effect.

A rule is a function that yields faults. To add one, write it in one of the modules of rules and add it to RULES.
"""

from collections.abc import Callable, Iterator
from typing import Any

from aevb.config import evaluator_rules, family_rules, label_rules, logger_rules, model_rules, training_rules
from aevb.config.class_attributes import computed_attributes
from aevb.config.messages import Fault
from aevb.config.resolved import STATED, Settings

__all__ = ["RULES", "warnings"]


def flags_are_literals(settings: Settings) -> Iterator[Fault]:
    """Check that the flags of an objective are literals in its class body.

    They are read from the source, so a computed flag would be overlooked.

    Args:
        settings: The config.

    Yields:
        The fault, if there is one.
    """
    for path, names in STATED.items():
        target = settings.target(path)
        if target.startswith("aevb."):
            continue
        for name in computed_attributes(target, names, settings.trusted):
            wrong = f"{name} is computed, and it is read from the source without running it"
            example = {"likelihood": '"bernoulli"', "min_batch_size": "2"}.get(name, "False")
            yield Fault(f"{path}._target_", wrong, target, f"a literal in the class body, `{name} = {example}`")


RULES: tuple[Callable[[Settings], Iterator[Fault]], ...] = (
    training_rules.name_is_a_folder,
    training_rules.batch_fits_the_data,
    training_rules.batch_suits_the_objective,
    training_rules.closed_form_exists,
    training_rules.devices_share_a_batch,
    training_rules.devices_need_a_mean,
    training_rules.microbatches_need_a_mean,
    training_rules.early_stopping_needs_the_bound,
    training_rules.validation_needs_a_split,
    training_rules.max_time_is_a_time,
    training_rules.optimizer_comes_with_weights,
    training_rules.schedule_stays_finite,
    model_rules.leave_one_out_needs_samples,
    model_rules.theta_has_a_posterior,
    model_rules.discrete_latents_have_no_derivative,
    model_rules.mean_has_a_derivative,
    model_rules.lagging_has_normal_latents,
    family_rules.supports_match,
    family_rules.objective_suits_the_families,
    family_rules.prior_can_be_trained,
    family_rules.vamp_has_an_encoder,
    model_rules.targets_lie_in_the_unit_interval,
    model_rules.targets_are_binary,
    model_rules.own_data_have_a_path,
    model_rules.sides_suit_the_strides,
    model_rules.model_allows_the_objective,
    label_rules.classifier_exists,
    label_rules.conditional_model_has_labels,
    label_rules.conditional_model_suits_the_objective,
    evaluator_rules.evaluators_support_the_model,
    logger_rules.posterior_means_have_an_encoder,
    logger_rules.lightning_logger_is_chosen,
    flags_are_literals,
)


def warnings(settings: dict[str, Any]) -> list[str]:
    """Return one line for each setting that is allowed and makes the run pointless.

    Args:
        settings: What `aevb.config.validate` returned.
    """
    optimizer, samples, batch_size = settings["optimizer"], settings["max_samples"], settings["batch_size"]
    lines = []
    warmup = optimizer.get("warmup")
    if isinstance(warmup, int) and samples <= warmup * batch_size:
        lines.append(
            f"max_samples={samples}: within the optimizer's warm-up of {warmup} minibatches of {batch_size}, in which "
            f"no weight changes; try: max_samples={20 * warmup * batch_size}, or optimizer=adam"
        )
    objective = settings["objective"]
    prior = objective.get("weight_prior", (objective.get("objective") or {}).get("weight_prior"))
    is_decoupled = optimizer.get("decoupled_weight_decay") or optimizer["_target_"].rpartition(".")[2] == "AdamW"
    if prior and is_decoupled:
        lines.append(
            f"objective.weight_prior={prior:g}: the optimizer decouples its weight decay from the gradient, so that it is no "
            "gradient of a prior on the weights; try: objective.weight_prior=0 +optimizer.weight_decay=0.01, or optimizer=adam"
        )
    start = (settings.get("early_stopping") or {}).get("start")
    if isinstance(start, int) and samples < start:
        lines.append(
            f"early_stopping.start={start}: after the last of max_samples={samples}, so training is not stopped early "
            f"and no best.pt is kept; try: early_stopping.start={samples // 10}"
        )
    return lines
