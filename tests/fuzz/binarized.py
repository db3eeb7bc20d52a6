# SPDX-License-Identifier: Apache-2.0
"""Random networks of stage binarized: what no imported graph happens to lead to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bnnc.ir import BIT, F32, Module, Value, bin, nn
from tests.backends.networks import Net, top


class Grower(Net):
    """Grows a graph by operations that fit a value drawn from those that are there."""

    def window(self, x: Value) -> dict[str, Any]:
        """Kernel, stride and pad that fit an image; every window meets it."""
        kernel = [int(self.rng.integers(1, min(4, d + 1))) for d in x.shape[1:3]]
        pad = [int(self.rng.integers(0, k)) for k in (*kernel, *kernel)]
        stride = [int(s) for s in self.rng.integers(1, 3, 2)]
        return {"kernel_size": tuple(kernel), "stride": tuple(stride), "pad": tuple(pad)}

    def layer(self, x: Value) -> Value:
        letter = "b" if x.type.scalar == BIT else "f" if x.type.scalar == F32 else "u"
        kind = letter + self.rng.choice(list("bt"))
        kind = "ff" if kind[0] == "f" and self.rng.random() < 0.3 else kind
        levels = f"levels {self.rng.choice([1, 2, 3, 7, 20])}"
        ends = ["thr", "none", "bias", levels, *([] if kind == "ff" else ["alpha+bias"])]
        end = self.rng.choice(ends)
        window = self.window(x)
        divisors = [g for g in (1, 2, 3, x.shape[3]) if x.shape[3] % g == 0]
        groups = int(self.rng.choice(divisors))
        return self.conv(
            kind,
            x,
            groups * int(self.rng.integers(1, 12)),
            window.pop("kernel_size"),
            str(end),
            groups=groups,
            pad_value=float(self.rng.choice([0, 1, top(x)] if letter == "u" else [-1, 0, 1])),
            **window,
        )

    def pool(self, x: Value) -> Value:
        if x.type.scalar == BIT:
            flip = self.bits(x.shape[3]) if self.rng.random() < 0.5 else None
            return self.add(bin.MaxPool(x, flip, **self.window(x)))
        max_pool = x.type.scalar != F32 or self.rng.random() < 0.5
        cls = nn.MaxPool if max_pool else nn.AvgPool
        return self.add(cls(x, **self.window(x)))

    def elementwise(self, x: Value) -> Value:
        if x.type.scalar == BIT:
            return self.add(bin.Flip(x, self.bits(x.shape[3])))
        if x.type.scalar != F32:
            return self.convert(x)
        makers: list[Callable[[], Any]] = [
            lambda: nn.Relu(x),
            lambda: nn.Tanh(x),
            lambda: nn.Clip(x, lo=-1.0, hi=1.0),
            lambda: nn.Add(x, self.floats(x.shape[3])),
            lambda: nn.Sub(x, x),
            lambda: bin.Affine(x, self.floats(x.shape[3]), self.floats(x.shape[3])),
        ]
        return self.add(makers[int(self.rng.integers(len(makers)))]())

    def convert(self, x: Value) -> Value:
        if x.type.scalar != F32:
            return self.floated(x)
        makers: list[Callable[[], Value]] = [
            lambda: self.pack(x),
            lambda: self.add(bin.Threshold(x, self.floats(x.shape[3]), nan="minus")),
            lambda: self.quantize(x, int(self.rng.choice([1, 3, 4, 15]))),
            lambda: self.add(bin.ToLevels(x, low=-1, levels=3)),
        ]
        return makers[int(self.rng.integers(len(makers)))]()

    def join(self, x: Value) -> Value:
        return self.add(nn.Concat((self.floated(x), self.floated(x)), axis=1))

    def grow(self, count: int) -> Module:
        sizes = [int(d) for d in self.rng.integers([1, 3, 3, 1], [3, 8, 8, 20])]
        values = [self.input(*sizes)]
        steps = [self.layer, self.layer, self.layer, self.pool, self.elementwise, self.convert]
        for _ in range(count):
            step = (*steps, self.join)[int(self.rng.integers(len(steps) + 1))]
            recent = values[-4:]
            values.append(step(recent[int(self.rng.integers(len(recent)))]))
        ends = [v for v in values[1:] if not v.uses]
        return self.results(*map(self.floated, ends))
