# SPDX-License-Identifier: Apache-2.0
"""The C emitter: from a planned module to a folder that builds by itself."""

from .manifest import Layer, Manifest, read_manifest
from .project import emit_project, weights_bytes

__all__ = ["Layer", "Manifest", "emit_project", "read_manifest", "weights_bytes"]
