# SPDX-License-Identifier: Apache-2.0
"""Float layers between quantized tensors become layers of bytes."""

from __future__ import annotations

from .fuse import FuseQuantized

__all__ = ["FuseQuantized"]
