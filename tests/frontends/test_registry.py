# SPDX-License-Identifier: Apache-2.0
"""Finding the frontend of a file, and the module's name."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import pytest

from bnnc.frontends import ImportOptions, load, module_name, registry
from bnnc.ir import Module
from bnnc.ir.diagnostics import UsageError

from .graphs import GraphBuilder


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("net.pb", "net"),
        ("a.grappler.pb", "a_grappler"),
        ("my-net v2.pb", "my_net_v2"),
        ("8bit.pb", "net_8bit"),
        ("_x.pb", "net__x"),
        ("float.pb", "net_float"),
        ("größe.pb", "gr__e"),
        ("net.clean.onnx", "net_clean"),
        ("net.onnx.gz", "net"),
    ],
)
def test_module_name(file: str, name: str) -> None:
    assert module_name(Path("somewhere") / file) == name


def test_name_and_source_do_not_depend_on_the_path(tmp_path: Path) -> None:
    g = GraphBuilder()
    g.node("Relu", "y", g.placeholder("x", (-1, 4)))
    (tmp_path / "deep").mkdir()
    modules = [load(g.save(folder / "a.b.pb")) for folder in (tmp_path, tmp_path / "deep")]
    assert modules[0].name == modules[1].name == "a_b"
    assert modules[0].attrs == modules[1].attrs == {"producer": "tensorflow", "source": "a.b.pb"}


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        load(tmp_path / "gone.pb")


def test_a_folder_is_no_graph(tmp_path: Path) -> None:
    (tmp_path / "dir.pb").mkdir()
    with pytest.raises(UsageError, match=r"cannot read .*dir\.pb"):
        load(tmp_path / "dir.pb")


def test_unknown_suffix(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'net\.pbt'; known suffixes: .*\.pb") as caught:
        load(tmp_path / "net.pbt")
    assert "did you mean '.pb'?" in str(caught.value)


def other_frontend(path: Path, options: ImportOptions) -> Module:
    return Module(f"{path.stem}_{options.batch}")


def test_installed_frontends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def entry(suffix: str) -> metadata.EntryPoint:
        return metadata.EntryPoint(suffix, f"{__name__}:other_frontend", "bnnc.frontends")

    found = [entry("toy")]

    def entry_points(group: str) -> list[metadata.EntryPoint]:
        return found if group == "bnnc.frontends" else []

    monkeypatch.setattr(metadata, "entry_points", entry_points)
    (tmp_path / "n.toy").touch()
    (tmp_path / "n.pb").touch()
    assert load(tmp_path / "n.toy", ImportOptions(batch=3)).name == "n_3"
    built_in = [".h5", ".hdf5", ".keras", ".onnx", ".onnx.gz", ".pb", ".t7", ".tflite"]
    assert registry.suffixes() == [*built_in, ".toy"]
    found.append(entry("pb"))
    with pytest.raises(UsageError, match=r"several frontends read \.pb files"):
        load(tmp_path / "n.pb")
