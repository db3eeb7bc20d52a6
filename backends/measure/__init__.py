# SPDX-License-Identifier: Apache-2.0
"""What a compiled network costs: time on this machine, executed instructions in an emulator."""

from .counting import Block, Interval, counted, require_counting
from .cycles import CPUS, ModelledCycles, modelled_cycles
from .measurement import Measurement, Row, measure_folder
from .program import layer_marks

__all__ = [
    "CPUS",
    "Block",
    "Interval",
    "Measurement",
    "ModelledCycles",
    "Row",
    "counted",
    "layer_marks",
    "measure_folder",
    "modelled_cycles",
    "require_counting",
]
