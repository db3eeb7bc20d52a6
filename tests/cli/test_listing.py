# SPDX-License-Identifier: Apache-2.0
"""``bnnc targets``, ``passes``, ``inspect`` and ``doctor``."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from bnnc import driver, lowering
from bnnc.ir import Module, Stage

from .conftest import Command
from .networks import network


def test_targets(bnnc: Command) -> None:
    listed = json.loads(bnnc("targets", "--json").out)["targets"]
    (c,) = [t for t in listed if t["name"] == "c"]
    assert c["orders"] == ["muladd"]
    assert c["description"]
    shown = bnnc("targets").out.splitlines()
    assert [line.split()[0] for line in shown[1:]] == [t["name"] for t in listed]


def test_passes(bnnc: Command) -> None:
    listed = json.loads(bnnc("passes", "--json").out)["passes"]
    by_name = {p["name"]: p for p in listed}
    assert {"fold-constants", "fold-thresholds", "plan-memory"} <= set(by_name)
    assert by_name["binarize"]["consumes"] == "canonical"
    assert by_name["binarize"]["produces"] == "binarized"
    assert "strict_sign=false" in by_name["fold-thresholds"]["options"]
    assert all(p["doc"].endswith(".") for p in listed)
    shown = bnnc("passes").out
    for name in by_name:
        assert re.search(rf"^{name}[ {{]", shown, re.MULTILINE)


def test_the_standard_pipeline_is_made_of_listed_passes() -> None:
    known = {cls.name for cls in lowering.known_passes()}
    target = lowering.as_target("c")
    used = [p.name for p in lowering.standard_passes(Stage.IMPORTED, target)]
    assert set(used) <= known
    assert used[-1] == "plan-memory"
    for stage in Stage:
        rest = [p.name for p in lowering.standard_passes(stage, target)]
        assert rest == used[len(used) - len(rest) :]
    assert lowering.standard_passes(Stage.PLANNED, target) == []


def test_default_resumes_where_the_passes_before_it_lead(net: Path) -> None:
    del net
    target = lowering.as_target("c")
    whole = lowering.make_pipeline(Stage.IMPORTED, target)
    split = lowering.make_pipeline(Stage.IMPORTED, target, "fold-constants,canonicalize,default")
    assert [p.name for p in split[:2]] == ["fold-constants", "canonicalize"]
    assert split[2:] == lowering.standard_passes(Stage.CANONICAL, target)
    assert lowering.make_pipeline(Stage.IMPORTED, target, "default") == whole
    strict = lowering.make_pipeline(Stage.IMPORTED, target, strict_sign=True)
    assert "fold-thresholds{strict_sign=true}" in [p.spec() for p in strict]


def test_inspect(bnnc: Command, net: Path, tmp_path: Path) -> None:
    assert bnnc("compile", net, "-o", tmp_path / "out").code == 0
    file = tmp_path / "out" / "small.bnnw"
    shown = json.loads(bnnc("inspect", file, "--json").out)
    assert (shown["target"], shown["file_bytes"]) == ("c", file.stat().st_size)
    planned: Module = driver.plan(network())
    sections = {s["name"]: s for s in shown["sections"]}
    assert set(sections) <= set(planned.resources)
    for name, section in sections.items():
        assert section["bytes"] == planned.resources[name].packed.size
        assert section["type"] == str(planned.resources[name].type)
    text = bnnc("inspect", file).out
    assert "checksums right" in text
    assert all(name in text for name in sections)


@pytest.mark.parametrize("damage", ["short", "flipped", "foreign"])
def test_inspect_refuses_a_damaged_file(
    bnnc: Command, net: Path, tmp_path: Path, damage: str
) -> None:
    assert bnnc("compile", net, "-o", tmp_path / "out").code == 0
    file = tmp_path / "out" / "small.bnnw"
    data = bytearray(file.read_bytes())
    data[-70] ^= damage == "flipped"
    file.write_bytes(data[:-1] if damage == "short" else b"x" if damage == "foreign" else data)
    failed = bnnc("inspect", file)
    assert failed.code == 7
    assert str(file) in failed.err


def test_inspect_of_nothing(bnnc: Command, tmp_path: Path) -> None:
    assert bnnc("inspect", tmp_path / "absent.bnnw").code in (2, 8)


def test_doctor(bnnc: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shown = bnnc("doctor")
    assert shown.code == 0
    assert re.search(r"^make +\S", shown.out, re.MULTILINE)
    monkeypatch.setenv("PATH", str(tmp_path))
    without = bnnc("doctor")
    assert without.code == 0
    assert re.search(r"^clang +missing .*(apt-get install clang|xcode)", without.out, re.MULTILINE)
    assert re.search(r"^make +missing .*(apt-get install make|xcode)", without.out, re.MULTILINE)
