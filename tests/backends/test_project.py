# SPDX-License-Identifier: Apache-2.0
"""The emitted folder: what is in it, that it builds everywhere, and that nothing is clobbered."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from bnnc.backends import (
    build,
    emit_project,
    kernel_table,
    read_manifest,
    read_weight_file,
    run_project,
    run_traced,
)
from bnnc.backends.emit.c_text import comment, number, string
from bnnc.ir import Module, Resource, bin, nn
from bnnc.ir.diagnostics import FileError, PassError, TargetError, UsageError
from bnnc.ir.interpreter import interpret
from bnnc.runtime import runtime_dir

from .networks import NO_PAD, TARGET, WARNINGS, Net, lower, random_inputs


def small(name: str = "small", seed: int = 0) -> Module:
    """Two inputs and outputs, layers of two kinds, all names unfriendly to C."""
    net = Net(name, seed)
    x, y = net.input(2, 5, 5, 3), net.input(2, 6)
    bits = net.conv("ff", x, 9, (3, 3), "thr", pad=(1, 1, 1, 1))
    pooled = net.add(bin.MaxPool(bits, kernel_size=(5, 5), stride=(1, 1), pad=NO_PAD))
    flat = net.add(bin.Reshape(pooled, shape=(2, 9)))
    logits = net.dense("bb", flat, 6, "alpha+bias")
    module = net.results(net.add(nn.Softmax(net.add(nn.Add(logits, y)))), logits)
    module.func.input_names = ['a "quoted" */ name', "größe\\n"]
    return lower(module)


def files(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


def test_what_is_in_the_folder(tmp_path: Path) -> None:
    module, out = small(), tmp_path / "out"
    manifest = emit_project(module, out)
    found = files(out)
    top = {"small.h", "small.c", "small.bnnw", "small_main.c", "Makefile", "CMakeLists.txt"}
    assert {f for f in found if "/" not in f} == top | {"manifest.json"}
    kernels = {kernel_table().of(op) for op in module.func.ops} - {None}
    sources = {f"bnnc/{Path(k.source).name}" for k in kernels if k}
    assert {f for f in found if f.endswith(".c") and "/" in f} == sources | {
        "bnnc/bnnw.c",
        "bnnc/float_mode.c",
    }
    for path, data in found.items():
        if path.startswith("bnnc/") and path != "bnnc/config.h":
            name = Path(path).name
            (original,) = [p for p in runtime_dir().rglob(name) if p.is_file()]
            assert data == original.read_bytes()
    data = json.loads(found["manifest.json"])
    assert list(data) == [
        "name",
        "target",
        "weights_bytes",
        "arena_bytes",
        "stack_bytes",
        "layers",
        "sha256",
        "versions",
        "inputs",
        "outputs",
    ]
    hashes = {p: hashlib.sha256(d).hexdigest() for p, d in found.items() if p != "manifest.json"}
    assert data["sha256"] == hashes
    assert data["weights_bytes"] == len(found["small.bnnw"])
    assert data["arena_bytes"] == module.attrs["arena_bytes"]
    assert [x["kernel"] for x in data["layers"]] == [op.kernel for op in module.func.ops]
    assert read_manifest(out) == manifest


def test_weights_are_those_of_the_kernels_and_nothing_else(tmp_path: Path) -> None:
    """The parameters of a threshold's float expression stay in the compiler."""
    net = Net()
    x = net.input(1, 3, 3, 8)
    kept = net.floats(4)
    layer = net.conv("fb", x, 4, (3, 3), "thr", params=(kept,), steps=(("mul", 0.0),))
    module = lower(net.results(net.floated(layer)))
    emit_project(module, tmp_path / "out")
    sections = read_weight_file(tmp_path / "out" / "net.bnnw").sections
    assert kept in module.resources.values()
    used = [v for v in module.func.ops[0].operands if isinstance(v, Resource) and v is not kept]
    assert [s.name for s in sections] == [r.symbol for r in used]
    assert sections[0].data.size == 4 * 3 * 3 * 1
    assert read_manifest(tmp_path / "out").layers[0].weight_bytes == 36 + 16  # type: ignore[union-attr]


def test_the_same_module_gives_the_same_bytes(tmp_path: Path) -> None:
    emit_project(small(), tmp_path / "one")
    emit_project(small(), tmp_path / "far" / "away")
    one, two = files(tmp_path / "one"), files(tmp_path / "far" / "away")
    assert one == two
    text = b"".join(d for p, d in one.items() if not p.endswith(".bnnw"))
    assert str(tmp_path).encode() not in text
    assert str(Path.home()).encode() + b"/" not in text


def test_the_model_id_follows_structure_and_name_only(tmp_path: Path) -> None:
    def model_id(module: Module, folder: str) -> str:
        emit_project(module, tmp_path / folder)
        return read_weight_file(tmp_path / folder / f"{module.name}.bnnw").model_id

    first = model_id(small(), "a")
    assert model_id(small(seed=1), "b") == first
    assert model_id(small("other"), "c") != first
    net = Net("small")
    assert model_id(lower(net.results(net.add(nn.Relu(net.input(1, 2))))), "d") != first


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    module, out = small(), tmp_path / "out"
    out.mkdir()
    (out / "thesis.tex").write_text("dear")
    for text in (None, "{}", '{"name": "small", "versions": {"npm": "9"}}', "nonsense"):
        if text is not None:
            (out / "manifest.json").write_text(text)
        before = files(out)
        with pytest.raises(UsageError, match="was not made by bnnc") as error:
            emit_project(module, out)
        assert error.value.exit_code == 2
        assert files(out) == before
    file = tmp_path / "file"
    file.write_text("dear")
    with pytest.raises(UsageError, match="was not made by bnnc"):
        emit_project(module, file)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "out"]


def test_a_folder_that_bnnc_made_is_replaced_whole(tmp_path: Path) -> None:
    out = tmp_path / "out"
    emit_project(small("first"), out)
    (out / "obj").mkdir()
    (out / "obj" / "stale.o").write_text("")
    emit_project(small("second"), out)
    assert "second.c" in files(out)
    assert not [p for p in files(out) if "first" in p or "obj" in p]
    empty = tmp_path / "empty"
    empty.mkdir()
    emit_project(small(), empty)
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="cannot write"):
        emit_project(small(), tmp_path / "file" / "out")


@pytest.mark.parametrize("name", ["1a", "a-b", "", "while", "math", "bnnc", "é"])
def test_names_that_c_cannot_take(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"C identifier|C needs the name"):
        emit_project(small(name), tmp_path / "out")


def test_only_planned_modules_are_emitted(tmp_path: Path) -> None:
    net = Net()
    module = net.results(net.add(nn.Relu(net.input(1, 2))))
    with pytest.raises(PassError, match="the module is binarized"):
        emit_project(module, tmp_path / "out")


def test_c_text() -> None:
    assert comment("a/*b*/c\\\n??/ ü") == "a/_b_/c____/ _"
    assert string('a"b\\c\n') == '"a\\042b\\134c\\012"'
    assert [number(v) for v in (1, 0.1, 1.0, float("-inf"), float("nan"), 1e-40)] == [
        "1",
        "0.1f",
        "1.0f",
        "-INFINITY",
        "NAN",
        "1.0e-40f",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("embed", [False, True])
def test_it_builds_without_a_warning(embed: bool, each_cc: str, tmp_path: Path) -> None:
    module, out = small(), tmp_path / "out"
    emit_project(module, out, embed=embed)
    assert (out / "small.bnnw").exists() != embed
    inputs = random_inputs(module)
    flags = (*WARNINGS, "-pedantic")
    program = build(out, TARGET, compiler=each_cc, cflags=flags)
    got = run_project(out, module, inputs, TARGET, program=program)
    traced = build(out, TARGET, compiler=each_cc, cflags=flags, trace=True)
    assert len(list(run_traced(out, module, inputs, TARGET, program=traced))) == 1
    for name, array in interpret(module, inputs).items():
        assert got[name].tobytes() == array.tobytes()


@pytest.mark.slow
def test_many_samples_in_one_process(tmp_path: Path) -> None:
    module = small()
    emit_project(module, tmp_path / "out")
    inputs = random_inputs(module, samples=5)
    got = run_project(tmp_path / "out", module, inputs)
    calls = list(run_traced(tmp_path / "out", module, inputs))
    assert len(calls) == 5
    for i, call in enumerate(calls):
        chunk = {n: a[2 * i : 2 * i + 2] for n, a in inputs.items()}
        for name, array in interpret(module, chunk).items():
            assert got[name][2 * i : 2 * i + 2].tobytes() == array.tobytes()
        assert set(call) == set(range(len(module.func.ops)))


def test_arrays_that_do_not_fit(tmp_path: Path) -> None:
    module = small()
    emit_project(module, tmp_path / "out")
    inputs = random_inputs(module)
    name, program = next(iter(inputs)), tmp_path / "none"
    for wrong in (
        {k: v for k, v in inputs.items() if k != name},
        inputs | {name: inputs[name].astype(np.float64)},
        inputs | {name: inputs[name][:, :3]},
    ):
        with pytest.raises(UsageError, match=r"is missing|takes float32"):
            run_project(tmp_path / "out", module, wrong, TARGET, program=program)


def test_without_a_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    emit_project(small(), tmp_path / "out")
    make = tmp_path / "bin" / "make"
    make.parent.mkdir()
    make.touch(0o755)
    monkeypatch.setenv("PATH", str(make.parent))
    monkeypatch.delenv("CC", raising=False)
    with pytest.raises(TargetError, match="needs a C compiler") as error:
        build(tmp_path / "out", TARGET)
    assert "apt-get install gcc" in str(error.value)
    with pytest.raises(TargetError, match="is not a folder that bnnc made"):
        build(tmp_path, TARGET)


@pytest.mark.slow
def test_compile_errors_are_shown(tmp_path: Path) -> None:
    emit_project(small(), tmp_path / "out")
    with pytest.raises(TargetError, match="bnnc: build without -ffast-math"):
        build(tmp_path / "out", TARGET, cflags=("-ffast-math",))


@pytest.mark.slow
@pytest.mark.optional("cmake is not needed to use bnnc")
def test_cmake_builds_the_same_driver(tmp_path: Path) -> None:
    if shutil.which("cmake") is None:
        pytest.skip("no cmake")
    module, out = small(), tmp_path / "out"
    emit_project(module, out, embed=True)
    folder = tmp_path / "build"
    for command in (
        ["cmake", "-S", str(out), "-B", str(folder)],
        ["cmake", "--build", str(folder)],
    ):
        subprocess.run(command, check=True, capture_output=True)
    inputs = random_inputs(module)
    got = run_project(out, module, inputs, TARGET, program=folder / "small")
    for name, array in interpret(module, inputs).items():
        assert got[name].tobytes() == array.tobytes()
