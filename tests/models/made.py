# SPDX-License-Identifier: Apache-2.0
"""The networks of ``made/``: where they lie, what to feed them, what is known of them."""

from __future__ import annotations

import json
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np

TF1 = [
    *("bench_bin_256", "bench_float_256", "bench_floatbin_256"),
    *("bwn_small", "bwn_small.tf1old", "xnor_small", "xnor_small.tf1old", "xnor_small_pos"),
    *("cifar_odd", "cifar_small", "cifar_small.grappler", "cifar_small_neg"),
    *("cifar_small_neg.tf1old", "cifar_small_traincond", "cifar_small_unfused"),
    *("cifar_small_zbias", "cifar_small_zbias.grappler", "cifar_small_zbias_neg"),
    *("cifar_small_zbias_neg.grappler", "cifar_small_zero"),
]
LARQ = [
    *("larq_ste", "larq_ste_pad1", "larq_ste_pad1.grappler", "larq_swish", "larq_approx_mag"),
    *("larq_chain", "pad_stride", "larq_tern"),
    *("bireal", "bireal_pad1", "quicknet", "larq_dorefa", "larq_heaviside"),
    *("larq_sep", "larq_grouped"),
]
MODELS = [f"tf1/{n}" for n in TF1] + [f"larq/{n}" for n in LARQ] + ["keras3/k3"]
KINDS = {
    "larq/larq_chain": ["bb"] * 3,
    "larq/pad_stride": ["bb"] * 20,
    "larq/bireal": ["ff", "bb", "bb", "bb", "ff", "bb", "ff"],
    "larq/bireal_pad1": ["ff", "bb", "bb", "bb", "ff", "bb", "ff"],
    "larq/quicknet": ["ff", "ff", "ff", "bb", "bb", "ff", "ff", "bb", "ff"],
    "larq/larq_dorefa": ["fb", *["fewbit"] * 4],
    "larq/larq_heaviside": ["fb", *["fewbit"] * 4],
    "larq/larq_sep": ["bb", "fb", "bb", "bb"],
    "larq/larq_grouped": ["bb"],
    "keras3/k3": ["ff", "bb", "bb", "ff"],
}
"""Kinds that no file records."""


def graph(shared: Path, model: str) -> Path:
    """The frozen graph of a model."""
    return shared / "models" / "made" / f"{model}.pb"


def import_options(model: str) -> dict[str, Any]:
    """What must be said to import it."""
    return {"set_values": {"is_training": "false"}} if model.endswith("traincond") else {}


def arrays(shared: Path, model: str) -> dict[str, np.ndarray]:
    """Inputs and stored outputs; one file serves all exports of a network."""
    folder = shared / "models" / "made"
    with np.load(folder / f"{model.split('.')[0]}.npz") as data:
        return {k: data[k] for k in data.files}


def layer_tensors(shared: Path, model: str) -> dict[str, np.ndarray]:
    """TensorFlow's own intermediate tensors for the first sample, where they are stored."""
    path = shared / "models" / "made" / f"{model}.layers.npz"
    if not path.exists():
        return {}
    with np.load(path) as data:
        return {k: data[k] for k in data.files}


def expected_kinds(shared: Path, model: str) -> list[str]:
    """The kind of each layer in graph order as `explain` names it."""
    if model in KINDS:
        return KINDS[model]
    table = json.loads((shared / "models" / "expected_layers.json").read_text())
    for key, kinds in table.items():
        if not key.startswith("made/"):
            continue
        names = key.removesuffix(" (not _zero)").split(", ")
        folder = f"{names[0].rpartition('/')[0]}/"
        patterns = [n if n.startswith("made/") else folder + n for n in names]
        excluded = key.endswith("(not _zero)") and model.endswith("_zero")
        if not excluded and any(fnmatch(f"made/{model}.pb", p) for p in patterns):
            return ["fewbit" if "tern" in k else k for k in kinds]
    return expected_kinds(shared, model.rpartition(".")[0])
