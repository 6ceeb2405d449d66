"""Folders that are about to be written to."""

from pathlib import Path

import pytest

from aevb.errors import UserError
from aevb.files.atomic import write_text
from aevb.files.folders import check_links, make_folders
from aevb.runs.lock import lock


@pytest.mark.fault(
    "a symbolic link to nothing as output_dir, as after a disk was unmounted",
    "one line that names the link and where it leads, before anything is computed",
)
def test_a_link_to_nothing_is_named(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to("a disk/x")
    for make in (
        lambda: check_links(link / "runs" / "run"),
        lambda: make_folders(link / "runs"),
        lambda: write_text(link / "runs" / "file", ""),
        lambda: lock(link / "runs" / "run").__enter__(),
    ):
        with pytest.raises(UserError) as error:
            make()
        assert str(error.value).startswith(f"{link}: a symbolic link to {tmp_path}/a disk/x, where there is nothing; ")
        assert f"try: mkdir -p '{tmp_path}/a disk/x', or" in str(error.value)
    (tmp_path / "a disk" / "x").mkdir(parents=True)
    make_folders(link / "runs")
    assert (tmp_path / "a disk" / "x" / "runs").is_dir()
