/* SPDX-License-Identifier: 0BSD */
/* The vector instructions of ARM. */
#ifndef BNNC_NEON_H
#define BNNC_NEON_H

#include <arm_neon.h>

#include "bnnc/common.h"

/* Products added to sums: of four lanes each, or of four and lane k, a constant. 64-bit ARM rounds
 * once; 32-bit ARM twice, with operands, products and sums flushed to zero where denormal. */
#ifdef __aarch64__
#define BNNC_NEON_FLUSHES 0
#define BNNC_ADD_PRODUCT(sum, w, x) vfmaq_f32(sum, w, x)
#define BNNC_ADD_PRODUCT_LANE(sum, w, x, k) vfmaq_laneq_f32(sum, w, x, k)
#else
#include "bnnc/neon_32.h"
#define BNNC_NEON_FLUSHES 1
#define BNNC_ADD_PRODUCT(sum, w, x) vmlaq_f32(sum, w, x)
#define BNNC_ADD_PRODUCT_LANE(sum, w, x, k)                                                        \
    vmlaq_lane_f32(sum, w, (k) < 2 ? vget_low_f32(x) : vget_high_f32(x), (k) & 1)
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
