# SPDX-License-Identifier: Apache-2.0
"""``parse(print(m)) == m``, and printing is a fixed point."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings

from bnnc.ir.equality import difference
from bnnc.ir.module import Module
from bnnc.ir.operation import Op, Return, registered_operations
from bnnc.ir.text import parse_module, print_module, read_module, write_module
from bnnc.ir.text.keys import side_file_keys
from bnnc.ir.value import Resource, Value
from tests.ir.modules import modules


def stored(module: Module) -> dict[str, np.ndarray]:
    """All constants as a side file would hold them."""
    keys = side_file_keys(module)
    return {keys[s]: r.stored for s, r in module.resources.items()}


def exact(value: object) -> Any:
    """An attribute's value with float32 numbers as their bits, so that NaN equals NaN."""
    if isinstance(value, tuple):
        return tuple(map(exact, cast("tuple[object, ...]", value)))
    if isinstance(value, float):
        bits = np.float32(value).view(np.uint32)
        return "nan" if value != value else int(bits)
    return value


def facts(module: Module) -> list[Any]:
    """What a module says, without any of the code under test."""
    numbers: dict[Value, int] = {}

    def number(value: Value | None) -> Any:
        if isinstance(value, Resource):
            return value.symbol, str(value.type), value.stored.dtype, value.stored.tobytes()
        return None if value is None else numbers[value]

    func = module.func
    for value in [*func.args, *(r for op in func.ops for r in op.results)]:
        numbers[value] = len(numbers)
    found: list[Any] = [module.name, module.stage, func.input_names, func.output_names]
    found += [sorted(module.attrs), [str(a.type) for a in func.args]]
    found += [number(r) for r in module.resources.values()]
    for op in func.walk():
        attrs = {a.name: exact(getattr(op, a.name)) for a in op.ATTRS}
        slots = [(name, number(v)) for name, v in op.operand_slots()]
        types = [str(r.type) for r in op.results]
        found.append((op.NAME, attrs, op.kernel, op.at, op.loc.names, op.loc.op, slots, types))
    return found


@given(modules())
def test_text_keeps_everything(module: Module) -> None:
    text = print_module(module)
    again = parse_module(text, resources=stored(module), verify=False)
    assert facts(again) == facts(module)
    assert difference(module, again) is None
    assert again == module
    assert print_module(again) == text


@given(modules())
def test_text_alone_knows_the_digests(module: Module) -> None:
    text = print_module(module)
    again = parse_module(text, verify=False)
    assert again == module
    assert print_module(again) == text


@given(modules())
def test_clone_is_equal(module: Module) -> None:
    assert facts(module.clone()) == facts(module)
    assert module.clone() == module


@given(modules())
def test_files_keep_everything(module: Module) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "net.bnn"
        write_module(module, path)
        text = path.read_text(encoding="utf-8")
        side = Path(folder) / "net.bnn.npz"
        arrays = dict(np.load(side)) if side.exists() else {}
        again = parse_module(text, resources=arrays, verify=False)
        assert facts(again) == facts(module)


@pytest.mark.parametrize("name", [n for n in registered_operations() if n != Return.NAME])
def test_every_operation(name: str) -> None:
    """Random modules would need luck to meet each operation."""
    cls: type[Op] = registered_operations()[name]

    @settings(max_examples=15)
    @given(modules((cls,)))
    def check(module: Module) -> None:
        again = parse_module(print_module(module), resources=stored(module), verify=False)
        assert facts(again) == facts(module)
        assert any(isinstance(op, cls) for op in module.func.ops)

    check()


TEXT = """\
bnnc.ir 1
module @net {stage = "imported", source = "net.pb"} {
  resource @conv/w : tensor<2x1x1x3xf32> = dense([0.1, -0.0, inf, 1.0e-45, nan, 16777216.0])
  resource @"b:0" : tensor<2xf32> = splat(-0.5)
  func @main(%in: tensor<1x4x4x3xf32>) -> (tensor<1x4x4x1xf32>) {inputs = ["in:0"], outputs = ["y"]} {
    %conv = nn.conv2d(%in, @conv/w, @"b:0") {stride = [1, 1], pad = [0, 0, 0, 0], pad_value = 0.0} : tensor<1x4x4x2xf32> loc("conv", "bn" : "Conv2D")
    %0, %1 = nn.split(%conv) {axis = 3, sizes = [1, 1]} : tensor<1x4x4x1xf32>, tensor<1x4x4x1xf32>
    %2 = nn.add(%0, %1) : tensor<1x4x4x1xf32> loc(: "AddV2")
    %conv_1 = nn.div(%2, %2) {no_nan} : tensor<1x4x4x1xf32>
    func.return(%conv_1)
  }
}
"""  # noqa: E501


def test_the_text_itself() -> None:
    module = parse_module(TEXT)
    assert print_module(module) == TEXT
    assert str(module) == TEXT
    weights = module.resources["conv/w"].array
    assert weights.shape == (2, 1, 1, 3)
    assert weights.dtype == np.float32
    want = np.array([0.1, -0.0, np.inf, 1e-45, np.nan, 2**24], np.float32)
    np.testing.assert_array_equal(weights.reshape(-1), want)
    assert np.signbit(weights[0, 0, 0, 1])
    assert module.func.ops[0].loc.names == ("conv", "bn")
    assert list(module.inputs) == ["in:0"]
    assert list(module.outputs) == ["y"]


def test_what_may_be_left_out() -> None:
    """The header, attributes of module and function, result types, comments, line breaks."""
    text = """
    module @net { // no stage: imported
      func @main(%x: tensor<2xf32>,
                 %y: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) {
        %s = nn.add(%x,
                    %y)
        func.return(%s, %x, %s)
      }
    }
    """
    module = parse_module(text)
    assert module.func.input_names == ["x", "y"]
    assert module.func.output_names == ["s_0", "x", "s_2"]
    assert module.func.ops[0].result.type == module.func.args[0].type


def test_files_are_read_back(tmp_path: Path) -> None:
    module = parse_module(TEXT)
    rng = np.random.default_rng(0)
    big = module.add_resource("big", rng.standard_normal((4, 8)).astype(np.float32))
    write_module(module, tmp_path / "net.bnn")
    np.testing.assert_array_equal(np.load(tmp_path / "net.bnn.npz")["big"], big.array)
    assert read_module(tmp_path / "net.bnn") == module


def test_equal_modules_give_equal_files(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        module = parse_module(TEXT)
        for i in range(3):
            module.add_resource(f"big{i}", rng.standard_normal((4, 8)).astype(np.float32))
        write_module(module, tmp_path / name / "net.bnn")
        rng = np.random.default_rng(0)
    for file in ("net.bnn", "net.bnn.npz"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
