# SPDX-License-Identifier: Apache-2.0
"""Benchmarks: speed of kernels, time and memory of the compiler."""
