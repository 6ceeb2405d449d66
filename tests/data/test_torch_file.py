"""Files of torch.save: tensors by key, and nothing that executes."""

from pathlib import Path

import numpy as np
import pytest
import torch

from aevb.data.array import ArrayDataset
from aevb.errors import UserError

X = torch.rand(30, 4, 3, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("held", [X, {"x": X}, (X, torch.arange(30)), [X.half()], {"x": X.bfloat16()}])
def test_tensors_pairs_and_dictionaries(tmp_path: Path, held: object) -> None:
    torch.save(held, tmp_path / "mine.pt")
    data = ArrayDataset(str(tmp_path / "mine.pt"))
    splits = data.load()
    assert data.shape == (4, 3)
    assert sum(len(split.x) for split in splits) == 30
    assert np.sort(splits.test.x.ravel())[-1] <= 1
    if isinstance(held, tuple):
        assert sorted([*splits.train.label, *splits.test.label]) == list(range(30))


class Exploit:
    def __reduce__(self) -> tuple[object, ...]:
        return exec, ("raise SystemExit('executed')",)


@pytest.mark.parametrize("held", [Exploit(), {"x": 1}, {}, "text", {"x": X, "model": Exploit()}])
def test_whatever_is_no_tensor_is_refused(tmp_path: Path, held: object) -> None:
    torch.save(held, tmp_path / "mine.pt")
    with pytest.raises(
        UserError, match=r"data\.path=.*mine\.pt: a \.pt file that holds .* allowed: a tensor"
    ) as caught:
        ArrayDataset(str(tmp_path / "mine.pt")).load()
    assert "\n" not in str(caught.value)
