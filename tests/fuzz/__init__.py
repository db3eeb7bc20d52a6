# SPDX-License-Identifier: Apache-2.0
"""Random networks and damaged files, by seed: `python -m tests.fuzz --help`."""
