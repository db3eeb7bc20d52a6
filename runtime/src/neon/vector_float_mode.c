/* SPDX-License-Identifier: 0BSD */
/* The canary of float_mode.c for vectors: products and sums whose values tell how they are rounded,
 * and whether denormals are flushed. Operands and results pass through registers where the compiler
 * loses sight of them. */
#include "bnnc/float_mode.h"

#include "bnnc/neon.h"

#define OPAQUE(v) __asm__("" : "+w"(v))

/* Whether acc + x * w, as the kernels have it, is 0. */
static int vanishes(uint32_t acc_bits, uint32_t x_bits, uint32_t w_bits) {
    float32x4_t acc = vreinterpretq_f32_u32(vdupq_n_u32(acc_bits));
    float32x4_t x = vreinterpretq_f32_u32(vdupq_n_u32(x_bits));
    float32x4_t w = vreinterpretq_f32_u32(vdupq_n_u32(w_bits));
    OPAQUE(acc);
    OPAQUE(x);
    OPAQUE(w);
    float32x4_t sum = BNNC_ADD_PRODUCT(acc, w, x);
    OPAQUE(sum);
    return vgetq_lane_u32(vreinterpretq_u32_f32(sum), 0) << 1 == 0;
}

int BNNC_SYM(vector_float_mode)(void) {
    /* (1 + 2^-12)^2 - (1 + 2^-11), as in float_mode.c. */
    const int fma = !vanishes(UINT32_C(0xbf801000), UINT32_C(0x3f800800), UINT32_C(0x3f800800));
    /* A product of normal numbers that is denormal, 2^-127; an operand that is, times 8; a sum
     * of normal numbers that is, 2^-126 - 1.5 * 2^-126. */
    const int product = vanishes(0, UINT32_C(0x00800000), UINT32_C(0x3f000000));
    const int operand = vanishes(0, UINT32_C(0x00400000), UINT32_C(0x41000000));
    const int sum = vanishes(UINT32_C(0x80c00000), UINT32_C(0x00800000), UINT32_C(0x3f800000));
    return (fma ? BNNC_FLOAT_FMA : 0) | (product && operand && sum ? BNNC_FLOAT_FTZ : 0);
}
