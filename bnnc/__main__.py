# SPDX-License-Identifier: Apache-2.0
"""Lets ``python -m bnnc`` stand for the ``bnnc`` command."""

from bnnc.cli import main

if __name__ == "__main__":
    main()
