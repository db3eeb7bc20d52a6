# SPDX-License-Identifier: Apache-2.0
"""``bnnc verify``: what it must find, and that it is silent otherwise."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bnnc as package
from bnnc import arrays, driver, generated_code
from bnnc.backends import run_traced
from bnnc.ir import Module
from bnnc.ir import bin as bits
from bnnc.ir.interpreter import trace
from bnnc.ir.text import write_module
from bnnc.ir.value import Resource

from .conftest import Command
from .networks import BATCH, network
from .test_compiling import WRONG
from .test_layerwise import LARQ, TF1


def _layers(out: str) -> dict[str, dict[str, Any]]:
    return {layer["name"]: layer for layer in json.loads(out)["layers"]}


def test_the_small_network_verifies(bnnc: Command, net: Path) -> None:
    done = bnnc("verify", net, "--json")
    assert done.code == 0, done.err
    report = json.loads(done.out)
    assert list(report) == ["ok", "layers"]
    assert report["ok"] is True
    names = [layer["name"] for layer in report["layers"]]
    assert names == list(dict.fromkeys(names))
    assert [n for n in names if n.startswith(("conv", "fc"))] == [
        *("conv1", "conv2", "conv3", "fc4", "fc5")
    ]
    for layer in report["layers"]:
        assert list(layer) == ["name", "max_abs", "max_rel", "bits_differ", "where"]
        assert layer["bits_differ"] == 0


def test_the_table_names_every_check(bnnc: Command, net: Path, inputs: Path) -> None:
    done = bnnc("verify", net, "--inputs", inputs)
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert any(line.startswith("thresholds ") and " conv2 " in line for line in lines)
    assert any(line.startswith("code against interpreter ") and " fc5 " in line for line in lines)
    assert any(line.startswith("planned against given ") and " y " in line for line in lines)
    assert lines[-1].startswith("ok: ")
    without = bnnc("verify", net, "--target", "interp")
    assert without.code == 0
    assert "code against interpreter" not in without.out


def _moved(module: Module, name: str, channel: int, by: int) -> Module:
    """The module with one stored threshold moved."""
    (layer,) = [op for op in module.func.ops if isinstance(op, bits.Layer) and op.loc.name == name]
    assert isinstance(layer.thr, Resource)
    values = layer.thr.array.copy()
    if values.dtype == np.float32:
        values[channel] = np.nextafter(values[channel], np.float32(np.inf * by))
    else:
        values[channel] += by
    moved = module.add_resource("moved", values)
    layer.replace_operand(layer.thr, moved)
    module.drop_unused_resources()
    return module


@pytest.mark.parametrize("after", ["fold-thresholds", "fold-linear", "pack-weights", "plan-memory"])
@pytest.mark.parametrize(("layer", "channel"), [("conv1", 8), ("conv2", 3), ("conv3", 0)])
@pytest.mark.parametrize("by", [-1, 1])
def test_a_moved_threshold_is_found(
    bnnc: Command, tmp_path: Path, after: str, layer: str, channel: int, by: int
) -> None:
    text = tmp_path / "moved.bnn"
    write_module(_moved(driver.lower(network(), after=after), layer, channel, by), text)
    failed = bnnc("verify", text, "--target", "interp", "--json")
    assert failed.code == 1
    report = json.loads(failed.out)
    assert report["ok"] is False
    (wrong,) = [row for row in report["layers"] if row["bits_differ"]]
    assert wrong["name"] == layer
    assert wrong["bits_differ"] == 1
    assert wrong["where"].startswith(f"thresholds: channel {channel}: stored ")
    assert f"layer '{layer}' differs (thresholds): channel {channel}: stored" in failed.err


def _tampered(monkeypatch: pytest.MonkeyPatch, index: int, byte: int, mask: int) -> None:
    """Let generated code give another bit in one tensor of its second call."""
    honest = run_traced

    def run(*arguments: Any, **options: Any) -> Iterator[dict[int, bytes]]:
        for number, call in enumerate(honest(*arguments, **options)):
            data = bytearray(call[index])
            data[byte] ^= mask if number == 1 else 0
            yield call | {index: bytes(data)}

    monkeypatch.setattr(generated_code, "run_traced", run)


def _index(name: str) -> int:
    ops = driver.plan(network()).func.ops
    return next(i for i, op in enumerate(ops) if op.loc.name == name)


@pytest.mark.parametrize(
    ("layer", "byte", "mask", "where"),
    [
        ("conv1", 1, 0x01, "[0, 0, 0, 8] (channel 8): "),
        ("conv1", 1, 0x02, "padding bits of byte 1"),
        ("fc5", 0, 0x01, "[0, 0] (channel 0): "),
    ],
)
def test_a_wrong_bit_of_generated_code_is_found(
    bnnc: Command,
    net: Path,
    monkeypatch: pytest.MonkeyPatch,
    layer: str,
    byte: int,
    mask: int,
    where: str,
) -> None:
    _tampered(monkeypatch, _index(layer), byte, mask)
    failed = bnnc("verify", net, "--json")
    assert failed.code == 1
    wrong = _layers(failed.out)[layer]
    assert wrong["bits_differ"] == 1
    assert wrong["where"].startswith(f"code against interpreter: call 1: {where}")


def test_a_missing_tensor_is_found(
    bnnc: Command, net: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = run_traced
    lost = _index("conv2")

    def run(*arguments: Any, **options: Any) -> Iterator[dict[int, bytes]]:
        for call in honest(*arguments, **options):
            yield {index: data for index, data in call.items() if index != lost}

    monkeypatch.setattr(generated_code, "run_traced", run)
    failed = bnnc("verify", net)
    assert failed.code == 1
    assert "layer 'conv2' differs (code against interpreter)" in failed.err
    assert "the code wrote 0 bytes" in failed.err


def test_a_wrong_pass_is_found(bnnc: Command, net: Path, tmp_path: Path) -> None:
    file = tmp_path / "wrong.py"
    file.write_text(WRONG)
    failed = bnnc("verify", net, "--load-pass", file, "--passes", "wrong,default")
    assert failed.code == 1
    assert "layer 'y' differs (planned against given)" in failed.err


SIGN_OF_SUMS = """\
bnnc.ir 1
module @zeros {stage = "imported"} {
  resource @w : tensor<2x6xf32> = dense([1.0, -1.0, 1.0, 1.0, -1.0, 1.0, WEIGHTS])
  resource @v : tensor<1x2xf32> = dense([1.0, 1.0])
  func @main(%x: tensor<1x6xf32>) -> (tensor<1x1xf32>) {inputs = ["x"], outputs = ["y"]} {
    %a = nn.sign(%x) {zero = plus, nan = propagate} : tensor<1x6xf32> loc("a" : "Sign")
    %d = nn.dense(%a, @w, none) : tensor<1x2xf32> loc("d" : "MatMul")
    %s = nn.sign(%d) {zero = keep, nan = propagate} : tensor<1x2xf32> loc("s" : "Sign")
    %y = nn.dense(%s, @v, none) : tensor<1x1xf32> loc("y" : "MatMul")
    func.return(%y)
  }
}
"""


def test_what_is_made_of_a_zero_is_a_remark_and_no_difference(
    bnnc: Command, tmp_path: Path
) -> None:
    """Sums of six are often zero: the network differs from the graph exactly as was said."""
    net, x, y = tmp_path / "zeros.bnn", tmp_path / "x.npz", tmp_path / "y.npz"
    net.write_text(SIGN_OF_SUMS.replace("WEIGHTS", "1.0, 1.0, -1.0, 1.0, 1.0, 1.0"))
    arrays.save_arrays(x, {"x": np.eye(6, dtype=np.float32) - 0.5})
    assert bnnc("run", net, "--target", "interp", "--inputs", x, "--outputs", y).code == 0
    graph = package.interpret(package.load(net), arrays.load_arrays(x))["y"]
    assert (arrays.load_arrays(y)["y"] != graph).any()
    done = bnnc("verify", net, "--target", "interp", "--inputs", x, "--json")
    assert done.code == 0, done.err
    assert _layers(done.out)["y"]["max_abs"] == 0.0
    assert "s: the graph's sign gives 0 for an exact zero; taken as +1" in done.err


def test_a_reference(bnnc: Command, net: Path, inputs: Path, tmp_path: Path) -> None:
    good = package.interpret(network(), arrays.load_arrays(inputs))["y"]
    bad = good.copy()
    bad[3, 1] += 0.01
    arrays.save_arrays(tmp_path / "good.npz", {"y0": good, "y0.unused": bad})
    arrays.save_arrays(tmp_path / "bad.npz", {"logits": bad})
    arrays.save_arrays(tmp_path / "short.npz", {"y": good[:4]})

    def verify(name: str, *more: object) -> tuple[int, str]:
        done = bnnc(
            *("verify", net, "--target", "interp", "--inputs", inputs),
            *("--reference", tmp_path / f"{name}.npz", *more),
        )
        return done.code, done.err

    code, err = verify("good")
    assert code == 0
    assert "remark: output 'y' takes the array 'y0'" in err
    code, err = verify("bad")
    assert code == 2
    assert "arrays given:\n    logits: float32[5, 4]" in err
    code, err = verify("bad", "--map-output", "y=logits")
    assert code == 1
    assert "layer 'y' differs (outputs against reference): [3, 1] (channel 1): " in err
    assert verify("bad", "--map-output", "y=logits", "--atol", 0.02)[0] == 0
    assert verify("bad", "--map-output", "y=logits", "--rtol", 0.1)[0] == 0
    code, err = verify("short")
    assert code == 2
    assert "has shape [4, 4], 5 samples give [5, 4]" in err
    alone = bnnc("verify", net, "--reference", tmp_path / "good.npz")
    assert alone.code == 2
    assert "needs the inputs" in alone.err


def _layer_file(
    path: Path, x: np.ndarray, samples: int = BATCH, damaged: str | None = None
) -> Path:
    tensors: dict[str, np.ndarray] = {}
    for op, (result,) in trace(network(), {"x": x}):
        array = result[:samples].copy()
        if op.loc.name == damaged:
            array.reshape(-1)[7] += 1
        key = f"{op.loc.op}|{op.loc.name}"
        tensors[key] = array.astype(np.int8) if op.loc.op == "Sign" else array
    arrays.save_arrays(path, tensors)
    return path


def test_a_reference_of_layers(bnnc: Command, net: Path, inputs: Path, tmp_path: Path) -> None:
    x = arrays.load_arrays(inputs)["x"][:BATCH]
    arguments = ["verify", net, "--target", "interp", "--inputs", inputs, "--json", "--reference"]
    for name, samples in (("call", BATCH), ("sample", 1)):
        good = bnnc(*arguments, _layer_file(tmp_path / f"{name}.npz", x, samples))
        assert good.code == 0, good.err
        assert {"conv1", "bn1", "sign1", "pool2", "fc5"} <= set(_layers(good.out))
    bad = bnnc(*arguments, _layer_file(tmp_path / "bad.npz", x, damaged="conv2"))
    assert bad.code == 1
    assert "layer 'conv2' differs (reference against imported): [0, 0, 0, 7] (channel 7): " in (
        bad.err
    )
    strange = tmp_path / "strange.npz"
    arrays.save_arrays(strange, {"Conv2D|other": np.zeros(3, np.float32)})
    failed = bnnc(*arguments, strange)
    assert failed.code == 2
    assert "none of this network" in failed.err


def test_python(inputs: Path) -> None:
    found = package.verify(network(), "interp", arrays.load_arrays(inputs))
    assert found.ok
    assert found.first_difference is None


@pytest.mark.slow
@pytest.mark.parametrize("name", [*(f"tf1/{n}" for n in TF1), *(f"larq/{n}" for n in LARQ)])
def test_shared_networks(bnnc: Command, shared: Path, name: str) -> None:
    made = shared / "models" / "made"
    base = made / f"{name.removesuffix('.grappler').removesuffix('.tf1old')}.npz"
    more = ["--set", "is_training=false"] if "traincond" in name else []
    if name == "larq/pad_stride":
        outputs = package.load(made / f"{name}.pb").outputs
        assert len(outputs) == 20
        more += [t for i, o in enumerate(outputs) for t in ("--map-output", f"{o}=y{i}")]
    arguments = ["verify", made / f"{name}.pb", "--inputs", base, "--json", *more]
    done = bnnc(*arguments, "--reference", base)
    assert done.code == 0, done.err
    assert all(layer["bits_differ"] == 0 for layer in json.loads(done.out)["layers"])
