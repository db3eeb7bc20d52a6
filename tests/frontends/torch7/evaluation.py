# SPDX-License-Identifier: Apache-2.0
"""What modules of Torch compute, in float64 and channels first, as nn's own code has it."""

from __future__ import annotations

from typing import Any

import numpy as np

from examples.alexnet.torch_file import Module, Storage


def leaves(module: Module) -> list[Module]:
    """The modules of a network in the order in which they run."""
    if module.kind != "nn.Sequential":
        return [module]
    return [leaf for inner in module.fields["modules"] for leaf in leaves(inner)]


def evaluate(network: Module, x: np.ndarray, *, binary_weights: bool) -> list[np.ndarray]:
    """What each leaf computes; the convolutions from the second to the last but one are binary."""
    modules = leaves(network)
    convolutions = [m for m in modules if m.kind.endswith("SpatialConvolution")]
    binary = {id(m) for m in convolutions[1:-1]} if binary_weights else set[int]()
    results: list[np.ndarray] = []
    for module in modules:
        x = _forward(module, x.astype(np.float64), id(module) in binary)
        results.append(x)
    return results


def _windows(x: np.ndarray, f: Any, fill: float) -> np.ndarray:
    """[n, c, oh, ow, kh, kw] of a padded image."""
    kh, kw, dh, dw = f["kH"], f["kW"], f["dH"], f["dW"]
    ph, pw = f.get("padH", 0), f.get("padW", 0)
    x = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)), constant_values=fill)
    views = np.lib.stride_tricks.sliding_window_view(x, (kh, kw), axis=(2, 3))
    return np.asarray(views[:, :, ::dh, ::dw])


def _forward(module: Module, x: np.ndarray, is_binary: bool) -> np.ndarray:
    f: Any = module.fields
    match module.kind.split(".")[-1]:
        case "SpatialConvolution":
            w = f["weight"].astype(np.float64)
            if is_binary:
                w = np.sign(w) * np.abs(w).mean(axis=(1, 2, 3), keepdims=True)
            y = np.tensordot(_windows(x, f, 0.0), w, axes=((1, 4, 5), (1, 2, 3)))
            return np.asarray(np.moveaxis(y, 3, 1) + _channels(f["bias"]))
        case "SpatialBatchNormalization":
            inverse = f.get("running_std")
            if inverse is None:
                inverse = 1 / np.sqrt(f["running_var"].astype(np.float64) + f["eps"])
            y = (x - _channels(f["running_mean"])) * _channels(inverse)
            return np.asarray(y * _channels(f["weight"]) + _channels(f["bias"]))
        case "ReLU":
            return np.asarray(np.maximum(x, 0))
        case "BinActiveZ":
            return np.asarray(np.sign(x))
        case "SpatialMaxPooling":
            pooled: np.ndarray = _windows(x, f, -np.inf).max(axis=(4, 5))
            return pooled
        case "SpatialDropout":
            return np.asarray(x * (1 - f["p"]))
        case "View":
            size: Storage = f["size"]
            return x.reshape(len(x), *size.array.tolist())
        case "LogSoftMax":
            shifted = x - x.max(axis=1, keepdims=True)
            return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))
        case kind:
            raise NotImplementedError(kind)


def _channels(array: Any) -> np.ndarray:
    return np.asarray(array, np.float64)[:, np.newaxis, np.newaxis]
