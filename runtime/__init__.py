# SPDX-License-Identifier: Apache-2.0
"""The C kernels that emitted code is made of, and the table that describes them."""

if __name__ != "bnnc.runtime":
    raise ImportError("import bnnc.runtime, not runtime")
