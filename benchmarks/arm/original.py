# SPDX-License-Identifier: Apache-2.0
"""What is known of the kernels that this project began with.

Speeds are the table of their README: dense layers of 4096 x 4096, batch 1, one thread, in 2018.
Instructions are counts of their inner loops as today's compilers make them (gcc 12; clang 19 where
gcc is worse), one call with 4096 inputs, without what surrounds the loop.
"""

from __future__ import annotations

# 10^9 operations (two for each product) a second: Nexus 5, Raspberry Pi 3.
SPEEDS = {
    "ff": (0.617, 1.14),
    "ii": (9.99, 4.06),
    "fb": (3.18, 2.39),
    "ib": (12.6, 4.21),
    "bb": (62.4, 38.8),
}
# Instructions for a product. The float kernel is assembly with four products in a multiplication:
# multiplications alone are counted, so its sums are too small.
INSTRUCTIONS = {
    "ff": 1 / 4,
    "ii": 131_126 / (96 * 4096),
    "fb": 442_431 / (96 * 4096),
    "ib": 138_403 / (96 * 4096),
    "bb": 20_510 / (128 * 4096),
}
