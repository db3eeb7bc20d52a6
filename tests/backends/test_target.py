# SPDX-License-Identifier: Apache-2.0
"""Target files: inheritance, faults, and being found by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from bnnc.backends import find_target, lowering_pipeline, targets
from bnnc.ir.diagnostics import TargetError

BOARD = 'name = "board"\ninherits = "c"\ndescription = "mine"\narena_align = 32\n'


def write(folder: Path, text: str, name: str = "board.toml") -> str:
    path = folder / name
    path.write_text(text)
    return str(path)


def test_the_portable_target_ships() -> None:
    assert "c" in [t.name for t in targets()]
    target = find_target("c")
    assert (target.isas, target.order) == (("ref",), "muladd")
    assert "-ffp-contract=off" in target.cflags


def test_a_file_inherits_and_is_known_by_its_name(tmp_path: Path) -> None:
    target = find_target(write(tmp_path, BOARD))
    assert (target.name, target.arena_align) == ("board", 32)
    assert target.cflags == find_target("c").cflags
    assert find_target("board") == target
    assert "choose-kernels{target=board}" in lowering_pipeline(target)


def test_a_file_inherits_from_a_file_beside_it(tmp_path: Path) -> None:
    write(tmp_path, BOARD)
    child = 'name = "child"\ninherits = "board.toml"\nalign = 16\n'
    target = find_target(write(tmp_path, child, "child.toml"))
    assert (target.align, target.arena_align, target.description) == (16, 32, "mine")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('name = "b"\ninherits = "cc"\n', "inherits from unknown target 'cc'"),
        ('name = "b"\ninherits = "board.toml"\n', "inherits from itself"),
        ('inherits = "c"\n', "is called 'c' like a target that ships with bnnc"),
        ('name = "b"\n', "does not say 'description'"),
        ('name = "b"\ninherits = "c"\ncflag = ["-O3"]\n', "unknown key 'cflag'"),
        ('name = "b"\ninherits = "c"\nisas = "ref"\n', "isas must be a list of strings"),
        ('name = "b"\ninherits = "c"\nalign = true\n', "align must be a whole number"),
        ('name = "b"\ninherits = "c"\norder = "sum"\n', "unknown float order 'sum'"),
        ('name = "b"\ninherits = "c"\nalign = 12\n', "arena_align must be a multiple of align"),
        ('name = "b"\ninherits = "c"\nisas = []\n', "needs at least one isa"),
        ('name = "b\n', "is not valid TOML"),
        ("inherits = 3\n", "inherits must be the name of a target"),
    ],
)
def test_faults(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(TargetError, match=complaint) as error:
        find_target(write(tmp_path, text))
    assert error.value.exit_code == 6


def test_unknown_targets(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="unknown target 'ccc'") as error:
        find_target("ccc")
    assert "known: " in str(error.value)
    with pytest.raises(TargetError, match="cannot read target file"):
        find_target(str(tmp_path / "none.toml"))


def test_did_you_mean(tmp_path: Path) -> None:
    find_target(write(tmp_path, BOARD.replace("board", "my-board")))
    with pytest.raises(TargetError, match="did you mean 'my-board'"):
        find_target("my-bord")
