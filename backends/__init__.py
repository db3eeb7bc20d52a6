# SPDX-License-Identifier: Apache-2.0
"""From lowered IR to C: targets, kernel choice, layouts, memory, emitted files."""

if __name__ != "bnnc.backends":
    raise ImportError("import bnnc.backends, not backends")

from .emit import Layer, Manifest, emit_project, read_manifest, weights_bytes
from .execute import run_project, run_traced
from .kernel_table import Kernel, KernelTable, kernel_table
from .lowering import PASSES
from .lowering.check_plan import check_plan
from .target import Target, find_target, targets
from .toolchain import build, compiler_package, emulator_of, find_compiler
from .weights import Section, WeightFile, read_weight_file

__all__ = [
    "PASSES",
    "Kernel",
    "KernelTable",
    "Layer",
    "Manifest",
    "Section",
    "Target",
    "WeightFile",
    "build",
    "check_plan",
    "compiler_package",
    "emit_project",
    "emulator_of",
    "find_compiler",
    "find_target",
    "kernel_table",
    "lowering_pipeline",
    "read_manifest",
    "read_weight_file",
    "run_project",
    "run_traced",
    "targets",
    "weights_bytes",
]


def lowering_pipeline(target: Target) -> str:
    """The passes from stage binarized to stage planned, as a pipeline string."""
    names = [p.name for p in PASSES]
    return ",".join(f"{n}{{target={target.name}}}" if n == "choose-kernels" else n for n in names)
