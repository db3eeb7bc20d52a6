# SPDX-License-Identifier: Apache-2.0
"""A small imported network with every kind of layer that explain and verify tell apart."""

from __future__ import annotations

from typing import Literal

import numpy as np

from bnnc.ir import F32, Loc, Module, Op, TensorType, Value, nn

BATCH = 2


class Builder:
    """Appends operations named like the nodes of a framework."""

    def __init__(self, name: str, seed: int, zero: Literal["plus", "keep"]) -> None:
        self.module = Module(name)
        self.zero: Literal["plus", "keep"] = zero
        self.rng = np.random.default_rng(seed)

    def input(self, name: str, *shape: int) -> Value:
        arg = Value(TensorType(shape, F32), name=name)
        self.module.func.args.append(arg)
        self.module.func.input_names.append(name)
        return arg

    def output(self, name: str, value: Value) -> None:
        self.module.func.output_names.append(name)
        self.module.func.set_results([*self.module.func.results, value])

    def add(self, op: Op, node: str, source: str) -> Value:
        op.loc = Loc((node,), source)
        self.module.func.append(op)
        op.result.name = node
        return op.result

    def constant(self, name: str, array: np.ndarray) -> Value:
        return self.module.add_resource(name, array.astype(np.float32))

    def batch_norm(self, x: Value, node: str) -> Value:
        c = x.shape[-1]
        op = nn.BatchNorm(
            x,
            self.constant(f"{node}/gamma", self.rng.choice([-1, 1], c) * self.rng.uniform(1, 2, c)),
            self.constant(f"{node}/beta", self.rng.normal(size=c)),
            self.constant(f"{node}/mean", self.rng.normal(size=c)),
            self.constant(f"{node}/var", self.rng.uniform(0.5, 2, c)),
            epsilon=0.001,
        )
        return self.add(op, node, "FusedBatchNormV3")

    def conv(self, x: Value, node: str, w: np.ndarray) -> Value:
        weights = self.constant(f"{node}/w", w)
        op = nn.Conv2D(x, weights, stride=(1, 1), pad=(1, 1, 1, 1), pad_value=0.0)
        return self.add(op, node, "Conv2D")

    def sign(self, x: Value, node: str) -> Value:
        return self.add(nn.Sign(x, zero=self.zero, nan="propagate"), node, "Sign")


def network(seed: int = 0, name: str = "small", zero: Literal["plus", "keep"] = "plus") -> Module:
    """Layers ff, bb with a pool, bit x tern, bb, fb and softmax; x [2, 6, 6, 3] -> y [2, 4]."""
    b = Builder(name, seed, zero)
    rng = b.rng
    x = b.input("x", BATCH, 6, 6, 3)
    v = b.conv(x, "conv1", rng.normal(size=(9, 3, 3, 3)))
    v = b.sign(b.batch_norm(v, "bn1"), "sign1")
    alpha = rng.uniform(0.1, 1, (10, 1, 1, 1))
    v = b.conv(v, "conv2", rng.choice([-1.0, 1.0], (10, 3, 3, 9)) * alpha)
    pool = nn.MaxPool(v, kernel_size=(2, 2), stride=(2, 2), pad=(0, 0, 0, 0))
    v = b.add(pool, "pool2", "MaxPool")
    v = b.sign(b.batch_norm(v, "bn2"), "sign2")
    v = b.conv(v, "conv3", rng.choice([-1.0, 0.0, 1.0], (8, 3, 3, 10)))
    v = b.sign(b.batch_norm(v, "bn3"), "sign3")
    v = b.add(nn.Reshape(v, shape=(BATCH, 72)), "flatten", "Reshape")
    v = b.add(nn.Dense(v, b.constant("fc4/w", rng.choice([-1.0, 1.0], (12, 72)))), "fc4", "MatMul")
    v = b.add(nn.Relu(b.batch_norm(v, "bn4")), "relu4", "Relu")
    v = b.add(nn.Dense(v, b.constant("fc5/w", rng.choice([-1.0, 1.0], (4, 12)))), "fc5", "MatMul")
    v = b.add(nn.Softmax(v), "probabilities", "Softmax")
    b.output("y", v)
    return b.module
