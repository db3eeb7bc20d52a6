# SPDX-License-Identifier: Apache-2.0
"""Kernels for ARM without the hardware: executed instructions, and cycles of a model."""
