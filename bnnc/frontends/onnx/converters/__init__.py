# SPDX-License-Identifier: Apache-2.0
"""The converters, by family; `bnnc.frontends.onnx.convert` is their table."""
