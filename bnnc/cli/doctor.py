# SPDX-License-Identifier: Apache-2.0
"""``bnnc doctor``: what is there on this machine, and how to get what is not."""

from __future__ import annotations

import importlib.metadata
import platform
import shutil
import subprocess
from dataclasses import dataclass

import click

from .terminal import print_table


@dataclass(frozen=True)
class Tool:
    """A program that some target needs; ``package`` is its Debian name."""

    command: str
    purpose: str
    package: str


_TOOLS = (
    Tool("make", "builds emitted projects", "make"),
    Tool("cc", "target c, bnnc run and verify", "gcc"),
    Tool("gcc", "target c", "gcc"),
    Tool("clang", "target c", "clang"),
    Tool("cmake", "emitted CMakeLists.txt", "cmake"),
)
_EXTRAS = {
    "ziglang": ("zig", "compiling for ARM without a cross compiler"),
    "tensorflow": ("tensorflow", "training, comparing with TensorFlow"),
    "scikit-learn": ("demo", "the demo's data"),
}


@click.command("doctor", epilog="Example: bnnc doctor")
def doctor_command() -> None:
    """Look for compilers, emulators and optional packages.

    Says for everything that is missing which apt or pip line installs it. Always exits with 0.
    """
    import bnnc

    click.echo(
        f"bnnc {bnnc.__version__}, Python {platform.python_version()}, "
        f"{platform.system()} {platform.machine()}"
    )
    rows = [_tool_row(tool) for tool in [*_TOOLS, *_of_targets()]]
    rows += [_extra_row(name, extra, purpose) for name, (extra, purpose) in _EXTRAS.items()]
    print_table(("what", "found", "for", "to install"), rows)


def _of_targets() -> list[Tool]:
    """The cross compilers and emulators that targets name."""
    from bnnc.backends import compiler_package, targets

    wanted: dict[tuple[str, str], list[str]] = {}
    for target in targets():
        if target.emulator and not target.native:
            compiler, emulator = target.compilers[0].split()[0], target.emulator[0]
            wanted.setdefault((compiler, compiler_package(compiler)), []).append(target.name)
            wanted.setdefault((emulator, "qemu-user"), []).append(target.name)
    return [
        Tool(command, f"target {', '.join(names)}", package)
        for (command, package), names in wanted.items()
    ]


def _tool_row(tool: Tool) -> tuple[str, str, str, str]:
    path = shutil.which(tool.command)
    if path is None:
        install = f"apt-get install {tool.package}"
        if platform.system() == "Darwin":
            install = "xcode-select --install"
        return tool.command, "missing", tool.purpose, install
    return tool.command, _version(path), tool.purpose, ""


def _version(path: str) -> str:
    """The first line of what ``--version`` says."""
    try:
        run = subprocess.run(
            [path, "--version"], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return path
    lines = run.stdout.splitlines()
    return lines[0] if lines else path


def _extra_row(name: str, extra: str, purpose: str) -> tuple[str, str, str, str]:
    try:
        return name, importlib.metadata.version(name), purpose, ""
    except importlib.metadata.PackageNotFoundError:
        return name, "missing", purpose, f"pip install 'bnnc[{extra}]'"
