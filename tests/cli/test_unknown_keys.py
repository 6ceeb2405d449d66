"""Keys that a command does not have."""

import pytest

from aevb.cli.unknown_keys import check_groups, unknown_key
from aevb.errors import UserError


@pytest.mark.parametrize(
    ("word", "root", "why"),
    [
        ("+model=gaussian", "evaluate", "not a key of aevb-evaluate: the config of a run has it"),
        ("++data=digits", "figure", "not a key of aevb-figure: the config of a run has it"),
        ("+figure=figure2", "train", "not a key of aevb-train; allowed: as a key of aevb-figure"),
    ],
)
def test_an_appended_group_of_another_command_is_refused(word: str, root: str, why: str) -> None:
    with pytest.raises(UserError) as error:
        check_groups([word], root)
    assert str(error.value).startswith(f"{word.lstrip('+')}: {why};")


@pytest.mark.parametrize(
    ("word", "root"), [("+evaluator=ais", "evaluate"), ("+model/prior=laplace", "train"), ("+objective.x=1", "train")]
)
def test_appended_options_and_keys_of_the_command_are_left_to_hydra(word: str, root: str) -> None:
    check_groups([word, "seed=1"], root)


def test_a_suggested_key_is_in_the_quotes_that_its_value_needs() -> None:
    message = unknown_key("data_root", "train", ["data_root=my data"])
    assert message.endswith("try: 'data.root=my data'")
