# SPDX-License-Identifier: Apache-2.0
"""Print every peak with every compiler; exits with 1 when one is not credible."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from ..compilers import compilers
from . import PEAKS, judged, measure
from .cores import cpu_name


def main() -> int:
    """Build, run and judge."""
    print(cpu_name())
    print(f"{'loop':<10}{'compiler':<10}{'10^9/s':>9}{'/cycle':>9}  of the bound")
    credible = True
    with tempfile.TemporaryDirectory() as folder:
        for name, peak in PEAKS.items():
            for cc in compilers():
                rate = measure(peak.build(cc, Path(folder)))
                words, good = judged(name, rate)
                credible &= good
                print(f"{name:<10}{cc:<10}{rate.second / 1e9:>9.1f}{rate.cycle:>9.2f}  {words}")
    return 0 if credible else 1


if __name__ == "__main__":
    sys.exit(main())
