# SPDX-License-Identifier: Apache-2.0
"""Print docs/supported.md, made from the table of converters and the table of kernels.

Usage: python scripts/supported.py > docs/supported.md
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable
from typing import Any

from attributes import attributes_of

from bnnc.backends.kernel_table import kernel_table
from bnnc.backends.target import targets
from bnnc.frontends.keras.activations import activation_names
from bnnc.frontends.keras.convert import LAYERS
from bnnc.frontends.onnx.convert import OPERATIONS as ONNX
from bnnc.frontends.table import ConverterTable
from bnnc.frontends.tensorflow.convert import OPERATIONS
from bnnc.frontends.tflite.convert import ON_BYTES, ON_FLOATS
from bnnc.frontends.torch7.convert import MODULES
from bnnc.ir.operation import registered_operations

_HEAD = """\
# What is supported

<!-- Made by scripts/supported.py from the tables that the compiler reads. Change those. -->

A model that uses anything else is refused, with all of it listed at once (exit code 3), or has no
kernel (exit code 6). Nothing falls back to something slower or less exact without a word.

Attributes are those that the converter of an operation reads. A value of theirs that has no
translation is refused with its name; what is not listed says nothing about inference.

## TensorFlow operations

bnnc reads GraphDefs (`.pb`) whose variables are constants: [freeze](freezing.md) the model first.

Before nodes are converted, the graph is brought into one shape:

* `Placeholder` and its kin become inputs, `NoOp` and control inputs vanish.
* Of `Switch`, `Merge` and `If` the branch is kept that a constant selects, or
  `--set is_training=false`.
* Calls into the graph's function library (`PartitionedCall`, or a function's name as the operation)
  are inlined; a node inside bears the name `caller/node`.
* `SpaceToBatchND`, a convolution and `BatchToSpaceND` become one dilated convolution.
"""

_ONNX = """\
## ONNX operations

bnnc reads `.onnx` and `.onnx.gz` files from opset 7 on, with the operations of QONNX and FINN under
all names of their domains. Models come in [as exporters write them](inputs.md#onnx): images with
their channels in front get them behind, and no transpose is left around a layer.
"""

_TFLITE = """\
## TensorFlow Lite operators

bnnc reads `.tflite` files, with the operators of Larq Compute Engine. `SPACE_TO_BATCH_ND`, a
convolution and `BATCH_TO_SPACE_ND` become one dilated convolution. Of floats:
"""

_TFLITE_BYTES = """\
## TensorFlow Lite operators on quantized bytes

Operators that int8 tensors flow through, in integers as LiteRT's reference kernels compute them.
Unsigned bytes are only converted to signed ones and back.
"""

_KERAS = """\
## Keras and Larq layers

bnnc reads `.h5` and `.keras` files of Keras 2 and 3, Sequential and Functional, with nested models
and layers that are called several times. Larq's layers and those of `bnnc.train` (`bnnc>...`) come
with their quantizers, which bnnc applies to the stored latent weights. A layer of any other class
has its code elsewhere: [give a SavedModel or freeze the model](inputs.md#savedmodel).

Activations, as an option or as a layer: {activations}, and the quantizers of Larq.
"""

_TORCH = """\
## Torch 7 modules

bnnc reads `.t7` files of `torch.save`: modules of `nn`, `cudnn` and their kin that run one after
the other (`Sequential`), [with what the file does not say](inputs.md#torch-7) added by the user.
"""

_KERNELS = """\
## Operations with kernels

The rows are operations of the [IR](ir_reference.md). Of several kernels that fit, the cheapest is
taken; `bnnc explain` says which. Types are those of the operands and, last, of the result.
"""

_WITHOUT = """\
## Operations without kernels

These occur in graphs but have no code of their own. Passes turn them into others, evaluate them
where their operands are constants, or recognise what they spell together (a sign, for instance).
Where neither works the target refuses the network and names the node.
"""


def _doc(what: object) -> str:
    text = " ".join((inspect.getdoc(what) or "").split("\n\n")[0].split())
    return text.replace("``", "`").replace("|", "\\|")


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _operations(table: ConverterTable[Any]) -> str:
    by_converter: dict[Callable[..., object], list[str]] = {}
    for name in table.names():
        converter = table.find(name)
        if converter is not None:
            by_converter.setdefault(converter, []).append(name)
    families: dict[str, list[Callable[..., object]]] = {}
    for one in by_converter:
        families.setdefault(one.__module__, []).append(one)
    lines: list[str] = []
    for family in sorted(families):
        lines += [f"### {_doc(sys.modules[family]).rstrip('.')}", ""]
        lines += ["| operation | attributes | notes |", "| --- | --- | --- |"]
        for c in sorted(families[family], key=lambda c: by_converter[c]):
            row = (_names(by_converter[c]), _names(attributes_of(c)), _doc(c))
            lines += [f"| {' | '.join(row)} |".replace("|  |", "| |")]
        lines += [""]
    return "\n".join(lines)


def _kernels() -> str:
    table = kernel_table()
    lines = ["| target | for | families of kernels | float orders |", "| --- | --- | --- | --- |"]
    for t in targets():
        lines += [f"| `{t.name}` | {t.description} | {_names(t.isas)} | {_names(t.orders)} |"]
    lines += [""]
    for isa in dict.fromkeys(kernel.isa for kernel in table.kernels):
        lines += [f"### Family `{isa}`", ""]
        lines += ["| operation | kernel | types | needs |", "| --- | --- | --- | --- |"]
        for kernel in table.kernels:
            if kernel.isa == isa:
                types = ", ".join(f"{slot} {name}" for slot, name in kernel.types.items())
                needs = "; ".join(table.constraints[name] for name in kernel.when)
                lines += [f"| {_names(kernel.ops)} | `{kernel.symbol}` | {types} | {needs} |"]
        lines += [""]
    return "\n".join(lines)


def _without() -> str:
    names = registered_operations().keys() - kernel_table().by_op.keys() - {"func.return"}
    return f"{_names(sorted(names))}\n"


def supported() -> str:
    """Return the text of the page."""
    return "\n".join(
        [
            _HEAD,
            _operations(OPERATIONS),
            _ONNX,
            _operations(ONNX),
            _TFLITE,
            _operations(ON_FLOATS),
            _TFLITE_BYTES,
            _operations(ON_BYTES),
            _KERAS.format(activations=_names(activation_names())),
            _operations(LAYERS),
            _TORCH,
            _operations(MODULES),
            _KERNELS,
            _kernels(),
            _WITHOUT,
            _without(),
        ]
    )


if __name__ == "__main__":
    sys.stdout.write(supported())
