# SPDX-License-Identifier: Apache-2.0
"""The converters, by family; `bnnc.frontends.tensorflow.convert` is their table."""
