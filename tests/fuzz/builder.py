# SPDX-License-Identifier: Apache-2.0
"""What random networks are made with: a module under construction and dice."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, TypeAlias, TypeVar

import numpy as np

from bnnc.ir import Resource, Stage, Value
from tests.backends.networks import Net

T = TypeVar("T")
Zero: TypeAlias = Literal["plus", "minus", "keep"]


class Builder(Net):
    """Appends operations of stage imported; everything random comes from one seed.

    Attributes:
        dyadic: constants are small multiples of 1/8, so that sums are exact and often equal a
            bound: ties are then the rule rather than the exception.
    """

    def __init__(self, name: str, seed: Sequence[int]) -> None:
        super().__init__(name, seed, Stage.IMPORTED)
        self.dyadic = self.chance(0.3)

    def chance(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def below(self, low: int, high: int) -> int:
        """An integer of [low, high)."""
        return int(self.rng.integers(low, high))

    def pick(self, *options: T) -> T:
        return options[self.below(0, len(options))]

    def weighted(self, options: Mapping[T, float]) -> T:
        """A key of `options`, each as often as its value says."""
        keys, weights = list(options), np.array(list(options.values()), np.float64)
        return keys[int(self.rng.choice(len(keys), p=weights / weights.sum()))]

    def numbers(self, *shape: int) -> np.ndarray:
        """Random float32 numbers, on a coarse grid where the network is dyadic."""
        values = self.rng.normal(size=shape)
        if self.dyadic:
            values = np.round(values * 4) / 4
        return values.astype(np.float32)

    def positive(self, *shape: int) -> np.ndarray:
        """Random float32 numbers above zero; powers of two where the network is dyadic."""
        if self.dyadic:
            return np.exp2(self.rng.integers(-2, 2, shape)).astype(np.float32)
        return np.exp(self.rng.normal(size=shape) * 0.7).astype(np.float32)

    def constant(self, array: object, name: str = "c") -> Resource:
        return self.module.add_resource(name, np.asarray(array, np.float32))

    def floats(self, *shape: int) -> Resource:
        return self.constant(self.numbers(*shape), "f")

    def scalar(self, value: float) -> Resource:
        """One number, as graphs write it: without axes, or with one."""
        return self.constant(np.full(self.pick((), (1,)), value), "s")

    def per_channel(self, x: Value, values: np.ndarray) -> Resource:
        """[C] numbers in one of the shapes that broadcast to x, the last axis is the channel."""
        ones = (1,) * self.below(0, x.type.rank)
        return self.constant(values.reshape(*ones, -1), "p")

    def channel_numbers(self, x: Value) -> Resource:
        """A random number for each channel of x, or one for all."""
        if self.chance(0.3):
            return self.scalar(float(self.numbers()))
        return self.per_channel(x, self.numbers(x.shape[-1]))

    def one_of(self, *makers: Callable[[], T]) -> T:
        return makers[self.below(0, len(makers))]()
