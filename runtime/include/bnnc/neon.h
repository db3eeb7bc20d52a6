/* SPDX-License-Identifier: 0BSD */
/* The vector instructions of ARM. */
#ifndef BNNC_NEON_H
#define BNNC_NEON_H

#include <arm_neon.h>

#include "bnnc/common.h"

#ifndef __aarch64__
#include "bnnc/neon_32.h"
#endif

/* Kernels that fill the vector registers are written in the order in which they should run. gcc's
 * first scheduler, which works before registers are given out, mixes it up until there are too few.
 */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("no-schedule-insns")
#endif

/* A vector has a register up to here, which gcc would give to others and move what is there. */
#define BNNC_HOLD(v) __asm__ volatile("" ::"w"(v))

#endif
