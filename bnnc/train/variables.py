# SPDX-License-Identifier: Apache-2.0
"""The variables of a model that is written as a plain function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from bnnc.ir.diagnostics import UsageError

from ._tensorflow import tf


class Variables(tf.Module):  # type: ignore[misc]  # tf is Any
    """Creates each variable at its first use and hands it out again at every later one.

    A `tf.Module`: ``trainable_variables``, ``tf.train.Checkpoint(model=variables)`` and
    ``tf.GradientTape`` work as for any other. Initial values follow the seed and the order of
    creation only.
    """

    def __init__(self, seed: int = 0) -> None:
        tf.Module.__init__(self)
        self._seed = seed
        self._by_name: dict[str, Any] = {}
        self._latent: list[str] = []

    def get(
        self,
        name: str,
        shape: Sequence[int],
        initial: Callable[[list[int]], Any],
        trainable: bool = True,
    ) -> Any:
        """Return the float32 variable of this name, creating it at the first call.

        Args:
            name: unique in the model, with the layer's name in front: ``conv1/kernel``.
            shape: its shape, checked at every call.
            initial: gives the first value from the shape.
            trainable: whether an optimizer moves it.

        Returns:
            The `tf.Variable`.

        Raises:
            UsageError: the name is in use with another shape.
        """
        shape = list(shape)
        variable = self._by_name.get(name)
        if variable is None:
            # Lifted out of the function being traced, where a variable may not be made again, and
            # out of the layer's name scope, which the name holds already.
            with tf.init_scope(), tf.name_scope(""):
                variable = tf.Variable(
                    initial(shape), trainable=trainable, name=name, dtype=tf.float32
                )
            self._by_name[name] = variable
        elif variable.shape.as_list() != shape:
            raise UsageError(
                f"variable {name!r} has shape {variable.shape.as_list()}, asked for as {shape}",
                hint="give each layer a name of its own",
            )
        return variable

    def weights(self, name: str, shape: Sequence[int], latent: bool) -> Any:
        """Return the weights of a layer, first filled by Glorot's uniform rule.

        Args:
            name: the variable's name.
            shape: [kh, kw, cin, cout] or [cin, cout].
            latent: they are binarized before use, so that `clip_latent` keeps them in [-1, 1].

        Returns:
            The `tf.Variable`.

        Raises:
            UsageError: the name is in use with another shape.
        """
        seed = self._seed + len(self._by_name)
        variable = self.get(name, shape, tf.initializers.GlorotUniform(seed=seed))
        if latent and name not in self._latent:
            self._latent.append(name)
        return variable

    def clip_latent(self) -> None:
        """Clip the latent weights to [-1, 1]; call it after every step of the optimizer.

        Beyond that range a latent weight has no gradient and no influence, and would never come
        back (BinaryNet, arXiv:1602.02830, algorithm 1).
        """
        for name in self._latent:
            variable = self._by_name[name]
            variable.assign(tf.clip_by_value(variable, -1.0, 1.0))
