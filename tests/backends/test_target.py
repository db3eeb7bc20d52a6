# SPDX-License-Identifier: Apache-2.0
"""Target files: inheritance, faults, and being found by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from bnnc.backends import emit_project, find_target, lowering_pipeline, run_project, targets
from bnnc.ir import bin
from bnnc.ir.diagnostics import TargetError
from bnnc.ir.interpreter import interpret
from bnnc.passes.manager import PassManager

from .networks import Net, random_inputs

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
        ('name = "b"\ninherits = "c"\norders = ["sum"]\n', "unknown float order 'sum'"),
        ('name = "b"\ninherits = "c"\norders = []\n', "needs at least one isa, order and compiler"),
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


@pytest.mark.slow
def test_a_board_brings_its_own_compiler_flags_and_emulator(cc: str, tmp_path: Path) -> None:
    """Wrappers note what they are called with, and do it."""
    for name, command in [("board-cc", cc), ("board-run", "env")]:
        script = tmp_path / name
        script.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/{name}.log\nexec {command} "$@"\n')
        script.chmod(0o755)
    text = f"""
        name = "wrapped"
        inherits = "c"
        align = 32
        arena_align = 64
        compilers = ["{tmp_path}/board-cc"]
        cflags = ["-std=c99", "-Os", "-ffp-contract=off", "-DBOARD=7"]
        emulator = ["{tmp_path}/board-run", "BOARD=7"]
    """
    target = find_target(write(tmp_path, text))
    net = Net()
    bits = net.pack(net.conv("ff", net.input(2, 5, 5, 3), 9, (3, 3), "bias"))
    module = net.results(net.conv("bt", bits, 4, (3, 3), "alpha"), net.add(bin.Unpack(bits)))
    PassManager().run(module, lowering_pipeline(target))
    places = [at for op in module.func.ops for at in op.at or () if at >= 0]
    assert len(places) > 1
    assert all(at % 64 == 0 for at in places)
    emit_project(module, tmp_path / "net")
    assert "#define net_ALIGN 32 " in (tmp_path / "net" / "net.h").read_text()
    inputs = random_inputs(module)
    got = run_project(tmp_path / "net", module, inputs, target)
    for name, array in interpret(module, inputs).items():
        assert got[name].tobytes() == array.tobytes()
    compiled = (tmp_path / "board-cc.log").read_text().splitlines()
    assert sum(line.endswith(".c") for line in compiled) >= 5
    assert all(line.startswith("-std=c99 -Os -ffp-contract=off -DBOARD=7 ") for line in compiled)
    assert (tmp_path / "board-run.log").read_text().startswith("BOARD=7 ")
