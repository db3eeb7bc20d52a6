# SPDX-License-Identifier: Apache-2.0
"""``bnnc bench``: times here, counts in an emulator."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from bnnc.backends import emulator_of, find_target
from bnnc.backends.measure import timing

from .conftest import Command


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "ROUNDS", 3)
    monkeypatch.setattr(timing, "SECONDS", 0.01)


def _ready(name: str) -> None:
    target = find_target(name)
    emulator = emulator_of(target)
    for tool in (*emulator[:1], target.compilers[0]):
        if emulator and shutil.which(tool) is None:
            pytest.skip(f"no {tool} on PATH; scripts/system-packages.sh installs it")


def test_times(bnnc: Command, net: Path) -> None:
    done = bnnc("bench", net, "--layers", "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert (found["model"], found["target"], found["unit"]) == ("small", "c", "seconds")
    assert 0 < found["best"] <= found["median"] <= found["worst"] < 1
    assert found["rounds"] == 3
    names = [row["name"] for row in found["layers"]]
    assert [n for n in names if n.startswith(("conv", "fc"))] == [
        *("conv1", "conv2", "conv3", "fc4", "fc5")
    ]
    assert all(0 <= row["best"] <= row["median"] for row in found["layers"])
    assert "us for a run, median" in bnnc("bench", net).out


def test_a_folder_is_left_as_it_is(bnnc: Command, net: Path, tmp_path: Path) -> None:
    assert bnnc("compile", net, "--embed", "-o", tmp_path / "out").code == 0
    before = sorted(p.name for p in (tmp_path / "out").rglob("*"))
    done = bnnc("bench", tmp_path / "out", "--layers", "--cc", "gcc")
    assert done.code == 0, done.err
    assert done.out.startswith("small, target c, built by gcc\n")
    assert "conv3" in done.out
    assert sorted(p.name for p in (tmp_path / "out").rglob("*")) == before
    other = bnnc("bench", tmp_path / "out", "--target", "neon")
    assert other.code in (2, 6)  # not compiled for it; or it could not be measured at all


def test_threads(bnnc: Command, net: Path, tmp_path: Path) -> None:
    done = bnnc("bench", net, "--threads", "2", "--layers", "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["how"] == "wall time of this machine with 2 threads, 3 rounds"
    assert bnnc("compile", net, "--threads", "-o", tmp_path / "out").code == 0
    assert bnnc("bench", tmp_path / "out", "--threads", "3").code == 0
    assert bnnc("compile", net, "-o", tmp_path / "out").code == 0
    refused = bnnc("bench", tmp_path / "out", "--threads", "3")
    assert refused.code == 2
    assert "compile it with --threads" in refused.err


@pytest.mark.parametrize("target", ["neon", "armv7-neon"])
def test_counts(bnnc: Command, net: Path, target: str) -> None:
    _ready(target)
    arguments = ("bench", net, "--target", target, "--layers")
    done = bnnc(*arguments, "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    if found["unit"] == "seconds":
        pytest.skip("a machine of the target")
    assert "qemu" in found["how"]
    layers = {row["name"]: row for row in found["layers"]}
    total = sum(row["best"] for row in layers.values())
    # The call behind each layer costs a few instructions; the end of the run is not a layer's.
    assert found["best"] == pytest.approx(total, abs=8 * len(layers) + 100)
    # 9 x 9 x 10 products on 36 pixels against 12 x 72 once.
    assert layers["conv2"]["best"] > 2 * layers["fc4"]["best"]
    again = json.loads(bnnc(*arguments, "--json").out)
    assert again == found
    shown = bnnc(*arguments).out
    assert "instructions for a run, counted by qemu" in shown
    cycles = layers["conv2"]["cycles"]
    if target == "neon" and found["modelled_by"]:
        assert layers["conv2"]["best"] / 4 < cycles["neoverse-n1"] < layers["conv2"]["best"]
        assert "as modelled by llvm-mca" in shown
    if target == "armv7-neon":
        assert not cycles


def test_what_is_missing(
    bnnc: Command, net: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = tmp_path / "board.toml"
    board.write_text('name = "board"\ninherits = "c"\nemulator = ["sh"]\n')
    refused = bnnc("bench", net, "--target", board)
    assert refused.code == 6
    assert "counted by a plugin of QEMU, sh takes none" in refused.err
    assert bnnc("bench", tmp_path / "nothing.pb").code == 2
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    assert bnnc("bench", net).code == 6
