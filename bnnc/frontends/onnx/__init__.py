# SPDX-License-Identifier: Apache-2.0
"""ONNX models, with the custom operations of QONNX, Brevitas and FINN."""

from .load import load

__all__ = ["load"]
