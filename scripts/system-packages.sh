#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Install the compilers that the tests and the demo need, where they are missing and apt can.
set -eu

missing=
command -v gcc >/dev/null || missing="$missing gcc libc6-dev"
command -v clang >/dev/null || missing="$missing clang"
command -v "${PYTHON:-python3}" >/dev/null || missing="$missing python3"
"${PYTHON:-python3}" -c 'import ensurepip' 2>/dev/null || missing="$missing python3-venv"

# The native part of the Android example is built with CMake and called from Java.
command -v cmake >/dev/null || missing="$missing cmake"
command -v javac >/dev/null || missing="$missing default-jdk-headless"

# 64- and 32-bit ARM: cross compilers, their C libraries, and an emulator.
# A machine that runs one of them itself has the compiler already.
if [ "$(uname -m)" != aarch64 ]; then
    command -v aarch64-linux-gnu-gcc >/dev/null ||
        missing="$missing gcc-aarch64-linux-gnu libc6-dev-arm64-cross"
fi
if [ "$(uname -m)" != armv7l ]; then
    command -v arm-linux-gnueabihf-gcc >/dev/null ||
        missing="$missing gcc-arm-linux-gnueabihf libc6-dev-armhf-cross"
fi
command -v qemu-aarch64 >/dev/null || missing="$missing qemu-user"
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -qq
    # shellcheck disable=SC2086 # one word per package
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
else
    echo "missing system packages, please install:$missing" >&2
    [ "$(uname)" = Darwin ] || echo "    sudo apt-get install$missing" >&2
fi
