# SPDX-License-Identifier: Apache-2.0
"""The target-dependent passes: from a binarized module to one with kernels and memory."""

from bnnc.passes import register_pass

from .assign_layouts import AssignLayouts
from .choose_kernels import ChooseKernels
from .legalize import Legalize
from .pack_weights import PackWeights
from .plan_memory import PlanMemory
from .schedule import Schedule

PASSES = (Legalize, ChooseKernels, AssignLayouts, PackWeights, Schedule, PlanMemory)
for _cls in PASSES:
    register_pass(_cls)

__all__ = [
    "PASSES",
    "AssignLayouts",
    "ChooseKernels",
    "Legalize",
    "PackWeights",
    "PlanMemory",
    "Schedule",
]
