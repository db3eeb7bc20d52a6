# SPDX-License-Identifier: Apache-2.0
"""TensorFlow's frozen graphs, read without TensorFlow."""

from .load import load

__all__ = ["load"]
