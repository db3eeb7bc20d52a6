# SPDX-License-Identifier: Apache-2.0
"""Keras models (``.h5``, ``.keras``) with the layers of Larq and bnnc.train, without Keras."""

from .load import load

__all__ = ["load"]
