# SPDX-License-Identifier: Apache-2.0
"""Every model file beside the checkout: what its layers are found as, or why it is refused."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """What is known of a file.

    Attributes:
        kinds: of the layers in graph order, as `explain` names them.
        refused: for a file that is not imported, what the message says.
        same_class: why the outputs only agree in the strongest class, on most samples.
    """

    kinds: str = ""
    refused: str = ""
    same_class: str = ""


def expand(pattern: str) -> list[str]:
    """The names that a pattern with alternatives in braces stands for."""
    parts = [part.split(",") for part in re.split(r"[{}]", pattern)]
    return ["".join(chosen) for chosen in itertools.product(*parts)]


def _rows(kinds: str, *patterns: str, **more: str) -> dict[str, Row]:
    return {f: Row(kinds, **more) for pattern in patterns for f in expand(pattern)}


def _refused(message: str, *patterns: str) -> dict[str, Row]:
    return _rows("", *patterns, refused=message)


PLAIN = "fb bb bb bb bb"
RESIDUAL = "ff bb bb bb ff bb ff"
QUICKNET = "ff ff ff bb bb ff ff bb ff"
CIFAR = "fb bb bb bb bb bb bb bb bb"
FEW = "fb fewbit fewbit fewbit fewbit"
LARQ = "{pb,h5,keras}"
TORCH = "made/torch_onnx/torch_{%s}.{dynamo,ts,ts_nofold}.onnx"
QONNX = "made/qonnx/brev_{%s}.{qonnx,clean,finn}.onnx"

TABLE: dict[str, Row] = {
    # TensorFlow 1: the original project's own networks, frozen.
    **_rows("bb", "made/tf1/bench_bin_256.pb"),
    **_rows("fb", "made/tf1/bench_floatbin_256.pb"),
    **_rows("ff", "made/tf1/bench_float_256.pb"),
    **_rows("ff fb fb fb fb fb fb ff", "made/tf1/bwn_small{,.tf1old}.pb"),
    **_rows("ff bb bb bb bb bb bb ff", "made/tf1/xnor_small{,.tf1old,_pos}.pb"),
    **_rows(CIFAR, "made/tf1/cifar_{odd,small_traincond,small_unfused}.pb"),
    **_rows(CIFAR, "made/tf1/cifar_small{,_zbias,_zbias_neg}{,.grappler}.pb"),
    **_rows(CIFAR, "made/tf1/cifar_small_neg{,.tf1old}.pb", "made/tf2onnx/cifar_small_neg.onnx"),
    **_rows("fewbit" + 8 * " fewbit", "made/tf1/cifar_small_zero.pb"),
    **_rows("ff bb bb bb bb bb bb ff", "made/tf2onnx/xnor_small.onnx"),
    # Larq: frozen, as Keras files, SavedModels, through tf2onnx, and as its own engine's files.
    **_rows(PLAIN, f"made/larq/larq_{{ste,ste_pad1,swish,approx_mag}}.{LARQ}"),
    **_rows(PLAIN, "made/larq/larq_ste_pad1{.grappler.pb,_saved}"),
    **_rows(PLAIN, "made/tf2onnx/larq_ste_pad1.onnx"),
    **_rows(PLAIN, "made/lce/larq_{ste,ste_pad1,swish,approx_mag}.arm.tflite"),
    **_rows(RESIDUAL, f"made/larq/bireal{{,_pad1}}.{LARQ}"),
    # The engine's converter puts the shortcut's convolution in front of the sum's binary one.
    **_rows("ff bb bb ff bb bb ff", "made/lce/bireal{,_pad1}.arm.tflite"),
    **_rows(QUICKNET, f"made/larq/quicknet.{LARQ}", "made/larq/quicknet_saved"),
    **_rows(QUICKNET, "made/tf2onnx/quicknet.onnx", "made/lce/quicknet.arm.tflite"),
    **_rows(FEW, f"made/larq/larq_{{dorefa,heaviside}}.{LARQ}", "made/tf2onnx/larq_dorefa.onnx"),
    **_rows(FEW, "made/lce/larq_dorefa.arm.tflite"),
    **_rows("fewbit fewbit fewbit fewbit fewbit", f"made/larq/larq_tern.{LARQ}"),
    **_rows("fewbit fewbit fewbit fewbit fewbit", "made/lce/larq_tern.arm.tflite"),
    **_rows("bb bb bb", f"made/larq/larq_chain.{LARQ}", "made/lce/larq_chain.arm.tflite"),
    **_rows("bb", f"made/larq/larq_grouped.{LARQ}", "made/lce/larq_grouped.arm.tflite"),
    **_rows("bb fb bb bb", f"made/larq/larq_sep.{LARQ}", "made/lce/larq_sep.arm.tflite"),
    **_rows("bb" + 19 * " bb", f"made/larq/pad_stride.{LARQ}"),
    # Keras 3 with a class of the user's own: its code is in the graphs only.
    **_rows("ff bb bb ff", "made/keras3/k3{.pb,_saved}"),
    **_refused(
        "bnnc_test>BinConv is not supported: nodes 'bin_conv', 'bin_conv_1'\n"
        "  hint: its code is not in the file: model.export() a SavedModel, or freeze it",
        "made/keras3/k3.{h5,keras}",
    ),
    # PyTorch through both exporters; Brevitas, cleaned by QONNX, converted by FINN.
    **_rows("ff bb ff bb ff", TORCH % "bireal"),
    **_rows("ff bb bb bb bb bb", TORCH % "detach,gefn,sign,signfn"),
    **_rows("bb bb bb bb bb", QONNX % "cnv_1w1a,cnv_1w1a_scaled"),
    **_rows("fewbit fewbit fewbit fewbit fewbit", QONNX % "cnv_1w2a"),
    **_rows("ff ff", QONNX % "int8"),
    # Trained networks of other people.
    **_rows("fb bb bb bb bb bb bb bb bb", "real/finn_pynq/cifar10_cnvW1A1.onnx.gz"),
    **_rows("fb bb bb bb", "real/finn_pynq/mnist_lfcW1A1.onnx.gz"),
    **_rows("bb bb bb bb", "real/brevitas/mnist_TFC_1W1A_latent.onnx"),
    **_rows(
        "bb bb bb bb", "real/qonnx/TFC_1W1A.onnx", "real/finn/tfc_w1a1_build_dataflow_model.onnx"
    ),
    **_rows("fewbit fewbit fewbit fewbit", "real/qonnx/TFC_2W2A.onnx"),
    **_rows("ff ff ff ff", "real/qonnx/qkeras_jettagging.onnx"),
    **_rows("ff ff ff", "real/onnx/mnist-conv_model.onnx"),
    **_rows("fb fb fb", "real/onnx/residual_block_clean.onnx"),  # all its weights are 0.1
    **_rows(
        "fb fewbit fewbit fewbit fewbit fewbit ff",
        "real/blueoil_cifar10/minimal_graph_with_shape.pb",
    ),
    **_rows("fb ff", "real/blueoil_toy/minimal_graph_with_shape.pb"),
    **_rows("ff" + 9 * " ff", "real/mlperf_tiny/pretrainedResnet.{h5,tflite}"),
    **_rows("ff" + 9 * " ff", "real/mlperf_tiny/kws/kws_ref_model"),
    **_rows(
        "ff" + 9 * " ff",
        "real/mlperf_tiny/kws/kws_ref_model_float32.tflite",
        same_class="LiteRT cuts the activations of hybrid layers to bytes at run time",
    ),
    **_rows("ii" + 9 * " ii", "real/mlperf_tiny/pretrainedResnet_quant.tflite"),
    **_rows("ii" + 9 * " ii", "real/mlperf_tiny/kws/kws_ref_model.tflite"),
    # Tensors of a test of ONNX's, no graphs.
    **_refused(
        "give a binary frozen graph", "real/onnx/mnist-conv_test_data_set_0_{input,output}_0.pb"
    ),
}
