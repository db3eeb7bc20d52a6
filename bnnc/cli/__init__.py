# SPDX-License-Identifier: Apache-2.0
"""The ``bnnc`` command."""

from .entry import main

__all__ = ["main"]
