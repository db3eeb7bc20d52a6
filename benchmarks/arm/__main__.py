# SPDX-License-Identifier: Apache-2.0
"""64-bit ARM without the hardware.

Usage: python -m benchmarks.arm [REPORT] [--compiler gcc|clang] [--only NAME]

Instructions are exact: a plugin of QEMU counts them. Cycles are those of llvm-mca's models, never
measured. Behind the reports all bounds stand with what was found. Exits with 1 when a bound is
missed, with 2 when a tool is missing.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
from pathlib import Path

from .bounds import Bound, summary
from .model import MCA
from .report import COMPILERS, Report
from .toolchain import missing, version

REPORTS = {
    "kernels": "kernels by themselves, beside the bounds of their inner loops",
    "table": "dense layers of the five kinds, beside the original's figures for boards",
    "networks": "whole networks, and the share of each layer",
    "sweep": "convolutions of the five kinds, 64 to 512 channels",
}


def main() -> int:
    """Print the reports that are asked for."""
    lines = "\n".join(f"  {name:<10} {what}" for name, what in REPORTS.items())
    parser = argparse.ArgumentParser(
        description=f"{__doc__}\nreports, by default all of them:\n{lines}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("reports", nargs="*", metavar="REPORT", help=", ".join(REPORTS))
    parser.add_argument("--compiler", choices=[*COMPILERS])
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="of a row")
    chosen = parser.parse_args()
    if unknown := set(chosen.reports) - set(REPORTS):
        parser.error(f"no report is called {', '.join(sorted(unknown))}")
    if absent := missing():
        sys.stderr.write(
            f"missing: {', '.join(absent)}; scripts/system-packages.sh installs them\n"
        )
        return 2
    if MCA is not None:
        sys.stdout.write(f"{MCA}: {version(MCA)}; ")
    sys.stdout.write(f"{version('qemu-aarch64')}\n")
    bounds: list[Bound] = []
    for name in chosen.reports or REPORTS:
        with tempfile.TemporaryDirectory() as work:
            run = Report(Path(work), tuple(chosen.only), chosen.compiler, bounds)
            importlib.import_module(f"{__package__}.{name}").report(run)
    if bounds:
        sys.stdout.write(f"\n{summary(bounds)}")
    return 0 if all(bound.met for bound in bounds) else 1


if __name__ == "__main__":
    raise SystemExit(main())
