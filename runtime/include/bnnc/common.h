/* SPDX-License-Identifier: 0BSD */
/* What every kernel relies on: the machine's number formats, and population counts. */
#ifndef BNNC_COMMON_H
#define BNNC_COMMON_H

#include <float.h>
#include <stddef.h>
#include <stdint.h>

#include "bnnc/config.h"
#include "bnnc/memory.h"

/* Results are equal bit for bit only if each float operation is rounded once, to float. */
#ifdef __FAST_MATH__
#error "bnnc: build without -ffast-math (and -Ofast): it changes float results"
#endif
#if defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD != 0
#error "bnnc: float must be evaluated as float (on 32-bit x86: -msse2 -mfpmath=sse)"
#endif
#if FLT_RADIX != 2 || FLT_MANT_DIG != 24 || FLT_MAX_EXP != 128
#error "bnnc: float must be IEEE 754 binary32"
#endif
#ifndef UINT8_MAX
#error "bnnc: bytes must have 8 bits"
#endif
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "bnnc: weight files and tensors are little-endian"
#endif

/* A function that is specialised where it is called: its function-pointer arguments and flags
 * are constants there, and disappear by inlining. */
#if defined(__GNUC__)
#define BNNC_TEMPLATE static inline __attribute__((always_inline, unused))
#elif defined(_MSC_VER)
#define BNNC_TEMPLATE static __forceinline
#else
#define BNNC_TEMPLATE static inline
#endif

/* For inner loops that must live in few registers. BNNC_KEEP(v) does nothing, but compilers must
 * have v in a register there, think that it changes, and keep the order of these places. So sums
 * are neither delayed nor vectorised, and addresses neither computed late nor ahead to be spilled.
 */
#if defined(__GNUC__)
#define BNNC_KEEP(v) __asm__ volatile("" : "+r"(v))
#define BNNC_NOINLINE static __attribute__((noinline, unused))
#else
#define BNNC_KEEP(v) ((void)(v))
#define BNNC_NOINLINE static
#endif

/* Before a loop over the lanes of a vector, which gcc would lose by unrolling it. */
#if defined(__GNUC__) && !defined(__clang__)
#define BNNC_LANE_LOOP _Pragma("GCC unroll 1")
#else
#define BNNC_LANE_LOOP
#endif

/* Bytes that hold c bits. */
BNNC_TEMPLATE int32_t bnnc_bit_bytes(int32_t c) { return (c + 7) / 8; }

/* Whether the machine has an instruction that counts ones. */
#if defined(__POPCNT__) || defined(__aarch64__) || defined(__riscv_zbb) || defined(__wasm__)
#define BNNC_POPCOUNT_INSTRUCTION 1
#else
#define BNNC_POPCOUNT_INSTRUCTION 0
#endif

/* Number of ones. gcc turns its builtin into a table look-up by library call where the machine
 * has no instruction for it; counting in parallel fields (Knuth, TAOCP 7.1.3) is faster there. */
BNNC_TEMPLATE int32_t bnnc_popcount64(uint64_t v) {
#if defined(__clang__) || (defined(__GNUC__) && BNNC_POPCOUNT_INSTRUCTION)
    return (int32_t)__builtin_popcountll((unsigned long long)v);
#else
    v -= (v >> 1) & UINT64_C(0x5555555555555555);
    v = (v & UINT64_C(0x3333333333333333)) + ((v >> 2) & UINT64_C(0x3333333333333333));
    v = (v + (v >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (int32_t)((v * UINT64_C(0x0101010101010101)) >> 56);
#endif
}

/* Whether x is cut to -1 by threshold t: a NaN is where nan_minus is set. */
BNNC_TEMPLATE int bnnc_below(float x, float t, int32_t nan_minus) {
    return nan_minus ? !(x >= t) : x < t;
}

BNNC_TEMPLATE uint32_t bnnc_float_bits(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

BNNC_TEMPLATE float bnnc_bits_float(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

#endif
