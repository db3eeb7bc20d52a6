# SPDX-License-Identifier: Apache-2.0
"""What is said of each layer: the user's own names, and why a layer or a cut stays in float."""

from __future__ import annotations

from pathlib import Path

import pytest

import bnnc
from bnnc.explanation import Explanation


def explained(shared: Path, file: str) -> Explanation:
    return bnnc.explain(shared / "models" / "made" / file)


TORCH = {
    "ts": "/st/Conv /c1/Conv /ds/ds.1/Conv /c2/Conv /fc/Gemm",
    "ts_nofold": "/st/Conv /c1/Conv /ds/ds.1/Conv /c2/Conv /fc/Gemm",
    "dynamo": "node_conv2d node_Conv_68 node_Conv_70 node_Conv_72 node_linear",
}
FLOAT = {
    0: ("'x'",),
    2: ("'/ds/ds.0/AveragePool' (AveragePool)", "'node_avg_pool2d' (AveragePool)"),
    4: ("'/GlobalAveragePool' (GlobalAveragePool)", "'node_mean_2' (ReduceMean)"),
}
"""What the float layers read: the network's input or a node."""


@pytest.mark.parametrize("exporter", TORCH)
def test_a_residual_network_of_pytorch(shared: Path, exporter: str) -> None:
    """Two binary layers; of the others both the weights and the inputs are floats."""
    said = explained(shared, f"torch_onnx/torch_bireal.{exporter}.onnx")
    assert [line.name for line in said.layers] == TORCH[exporter].split()
    assert {line.source_op for line in said.layers} == {"Conv", "Gemm"}
    for index, line in enumerate(said.layers):
        if index in FLOAT:
            assert line.kind == "ff"
            assert "distinct magnitudes" in line.why
            assert line.why.endswith(FLOAT[index])
        else:
            assert (line.kind, line.why) == ("bb", "")
    first, second = said.cuts
    assert first.why.startswith(f"'{said.layers[0].name}' (Conv) is a float for ")
    assert second.why.startswith(("'/Add' (Add) is a float", "'node_add_2' (Add) is a float"))


@pytest.mark.parametrize("exporter", TORCH)
@pytest.mark.parametrize("idiom", ["detach", "gefn", "sign", "signfn"])
def test_a_plain_network_of_pytorch(shared: Path, exporter: str, idiom: str) -> None:
    """Only the first layer is in float; no sign is left, the one behind a flattening neither."""
    said = explained(shared, f"torch_onnx/torch_{idiom}.{exporter}.onnx")
    first, *rest = said.layers
    assert first.why.endswith(("network's input 'x'", "network's input 'input'"))
    assert not [line.why for line in rest if line.why]
    assert said.cuts == ()


@pytest.mark.parametrize("suffix", ["h5", "keras"])
def test_keras_layers_bear_the_user_s_names(shared: Path, suffix: str) -> None:
    said = explained(shared, f"larq/quicknet.{suffix}")
    names = """
    conv2d depthwise_conv2d conv2d_1 quant_conv2d quant_conv2d_1 depthwise_conv2d_1 conv2d_2
    quant_conv2d_2 dense
    """
    assert [line.name for line in said.layers] == names.split()
    whys = {line.name: line.why for line in said.layers}
    assert "reads the network's input 'input_1'" in whys["conv2d"]
    assert "reads 'global_average_pooling2d' (GlobalAveragePooling2D)" in whys["dense"]
    assert {name for name, why in whys.items() if not why} == {
        f"quant_conv2d{suffix}" for suffix in ("", "_1", "_2")
    }
    assert [cut.why for cut in said.cuts][1:] == [
        "'tf.__operators__.add' (TFOpLambda) is a float for 'tf.__operators__.add_1' (TFOpLambda) "
        "too",
        "'batch_normalization_5' (BatchNormalization) is a float for 'tf.__operators__.add_2' "
        "(TFOpLambda) too",
    ]
