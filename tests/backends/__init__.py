# SPDX-License-Identifier: Apache-2.0
"""Tests of the backend: lowering, memory plan, weight file, generated code."""
