# SPDX-License-Identifier: Apache-2.0
"""Frontends: model files of other frameworks to modules of stage imported.

A frontend translates and nothing else: it neither folds constants nor recognises idioms, so that
every decision can be seen, tested and replaced in a pass.
"""

from .options import ImportOptions, SetValue
from .registry import load, module_name, suffixes

__all__ = ["ImportOptions", "SetValue", "load", "module_name", "suffixes"]
