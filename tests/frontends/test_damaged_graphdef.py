# SPDX-License-Identifier: Apache-2.0
"""Bad TensorFlow graphs and SavedModels through the command line: exit code 3, one message."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bnnc.cli.entry import run
from bnnc.frontends.tensorflow.schema import message_class

from .graphs import GraphBuilder
from .refusing import compile_bounded, refusal
from .wire import field


def _whole() -> bytes:
    g = GraphBuilder()
    x = g.placeholder("x", (1, 4))
    g.node("Relu", "y", g.node("MatMul", "mm", x, g.const("w", np.ones((4, 2)))))
    data: bytes = g.graph.SerializeToString()
    return data


def _write(folder: Path, data: bytes) -> Path:
    path = folder / "net" / "net.pb"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    return path


def _node(graph: Any, name: str) -> Any:
    return next(node for node in graph.node if node.name == name)


def _weights(graph: Any) -> Any:
    return _node(graph, "w").attr["value"].tensor


def _dims(*sizes: int) -> Callable[[Any], None]:
    def change(graph: Any) -> None:
        shape = _weights(graph).tensor_shape
        del shape.dim[:]
        for size in sizes:
            shape.dim.add(size=size)

    return change


def _cycle(graph: Any) -> None:
    _node(graph, "mm").input[0] = "y"


def _itself(graph: Any) -> None:
    _node(graph, "y").input[0] = "y"


def _missing(graph: Any) -> None:
    _node(graph, "y").input[0] = "gone"


def _doubled(graph: Any) -> None:
    _node(graph, "y").name = "mm"


def _unnamed(graph: Any) -> None:
    _node(graph, "y").name = ""


def _no_inputs(graph: Any) -> None:
    del _node(graph, "mm").input[:]


def _far_output(graph: Any) -> None:
    _node(graph, "y").input[0] = "mm:7"


def _no_attributes(graph: Any) -> None:
    _node(graph, "w").ClearField("attr")


def _other_type(graph: Any) -> None:
    _weights(graph).dtype = 7


def _number_of_type(graph: Any) -> None:
    _weights(graph).dtype = 999


def _cut_content(graph: Any) -> None:
    tensor = _weights(graph)
    tensor.ClearField("float_val")
    tensor.tensor_content = bytes(31)


def _not_finite(graph: Any) -> None:
    tensor = _weights(graph)
    tensor.ClearField("float_val")
    tensor.tensor_content = np.full(8, np.nan, np.float32).tobytes()


def _input_shape(*sizes: int) -> Callable[[Any], None]:
    def change(graph: Any) -> None:
        shape = _node(graph, "x").attr["shape"].shape
        del shape.dim[:]
        for size in sizes:
            shape.dim.add(size=size)

    return change


def _unknown_operation(graph: Any) -> None:
    _node(graph, "y").op = "Frobnicate"


def _function(graph: Any) -> None:
    """A function that calls itself."""
    made = graph.library.function.add()
    made.signature.name = "f"
    made.signature.input_arg.add(name="a", type=1)
    made.signature.output_arg.add(name="b", type=1)
    made.node_def.add(name="again", op="f", input=["a"])
    made.ret["b"] = "again:b:0"
    _node(graph, "y").op = "f"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_cycle, "no output that depends on an input"),
        (_missing, "node 'y' reads 'gone'"),
        (_doubled, "'mm' is unnamed or doubled"),
        (_unnamed, "'' is unnamed or doubled"),
        (_no_inputs, "no output that depends on an input"),
        (_far_output, "node 'y'"),
        (_no_attributes, "node 'w'"),
        (_other_type, "type string"),
        (_number_of_type, "node 'w'"),
        (_cut_content, "31 bytes of data instead of 32"),
        (_not_finite, "NaN or infinity"),
        (_dims(5, 2), "node 'w'"),
        (_dims(-1, 2), "without a static shape"),
        (_dims(1 << 40, 1 << 40), "node 'w'"),
        (_dims(1 << 62, 4), "node 'w'"),
        (_dims(*[1] * 1000), "node '"),
        (_input_shape(1, 5), "node 'mm'"),
        (_input_shape(1 << 40, 4), "input 'x' has the shape"),
        (_input_shape(1, 0), "no"),
        (_unknown_operation, "Frobnicate is not supported: node 'y'"),
        (_function, "recursive call of the function 'f': node 'y/again'"),
    ],
)
def test_graphs(tmp_path: Path, change: Callable[[Any], None], message: str) -> None:
    graph: Any = message_class("GraphDef")()
    graph.ParseFromString(_whole())
    change(graph)
    assert message in refusal(_write(tmp_path, graph.SerializeToString()))


def test_cycles(tmp_path: Path) -> None:
    """A node that is read is no output unless it is named."""
    for change in (_cycle, _itself):
        graph: Any = message_class("GraphDef")()
        graph.ParseFromString(_whole())
        change(graph)
        path = _write(tmp_path, graph.SerializeToString())
        assert "part of a loop" in refusal(path, "--output-names", "y")


def test_cut_and_other_files(tmp_path: Path) -> None:
    whole = _whole()
    for size in range(0, len(whole), 5):
        code, text = compile_bounded(_write(tmp_path, whole[:size]))
        assert code in (0, 3), text  # a prefix of whole nodes is a graph
        assert "Traceback" not in text
        if code == 0:
            _remove(tmp_path / "net" / "out")
    for data, cure in (
        (b"", "the file is empty"),
        (bytes(1000), "cut short or damaged"),
        (b"\xff" * 1000, "cut short or damaged"),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), "name it .h5"),
        (b"PK\3\4" + bytes(100), "name it .keras"),
    ):
        assert cure in refusal(_write(tmp_path, data))


def _remove(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    folder.rmdir()


def test_nesting_without_end(tmp_path: Path) -> None:
    """Function attributes inside of each other, deeper than a parser should go."""
    inner = b""
    for _ in range(3000):  # NameAttrList.attr{value: AttrValue.func}
        inner = field(2, field(1, b"k") + field(2, field(10, inner)))
    node = field(1, b"x") + field(2, b"Neg") + field(5, field(1, b"k") + field(2, field(10, inner)))
    assert "not a frozen GraphDef" in refusal(_write(tmp_path, field(1, node)))


@pytest.fixture
def saved(tmp_path: Path, tf: Any) -> Path:
    """A SavedModel of one dense layer."""
    net = tf.Module()
    net.w = tf.Variable(np.ones((4, 2), np.float32))
    signature = [tf.TensorSpec([1, 4], tf.float32)]

    def product(x: Any) -> Any:
        return tf.matmul(x, net.w)

    function = tf.function(product, input_signature=signature)
    folder = tmp_path / "net" / "saved"
    tf.saved_model.save(net, str(folder), signatures=function)
    return folder


@pytest.mark.tensorflow
@pytest.mark.parametrize("part", ["saved_model.pb", "variables.index", "variables.data"])
@pytest.mark.parametrize("damage", ["missing", "cut", "zeros"])
def test_saved_models(
    saved: Path, capfd: pytest.CaptureFixture[str], part: str, damage: str
) -> None:
    path = next(p for p in sorted(saved.rglob("*")) if p.name.startswith(part))
    if damage == "missing":
        if part == "saved_model.pb":
            path.rename(path.with_name("other.pb"))
        else:
            path.unlink()
    else:
        data = path.read_bytes()
        path.write_bytes(data[: len(data) // 2] if damage == "cut" else bytes(len(data)))
    before = sorted(saved.rglob("*"))
    capfd.readouterr()
    code = run(["compile", str(saved), "-o", str(saved.parent / "out")])
    assert code == (2 if (part, damage) == ("saved_model.pb", "missing") else 3)
    text = capfd.readouterr().err
    assert text.count("error: ") == 1
    assert str(saved) in text
    assert "Traceback" not in text
    assert sorted(saved.rglob("*")) == before
    assert not (saved.parent / "out").exists()
