/* SPDX-License-Identifier: 0BSD */
/* A canary: sums whose value tells how the compiler and the processor compute. */
#include "bnnc/float_mode.h"

#include "bnnc/common.h"

#if defined(__GNUC__)
#define OPAQUE_BITS(bits) __asm__("" : "+r"(bits))
#elif defined(_MSC_VER)
#define OPAQUE_BITS(bits) (*(volatile uint32_t *)&(bits))
#else
#define OPAQUE_BITS(bits) ((void)0)
#endif

/* A float that the optimizer cannot know, or it would compute the canary itself, and by other
 * rules than the kernels. */
static float opaque(uint32_t bits) {
    OPAQUE_BITS(bits);
    return bnnc_bits_float(bits);
}

int BNNC_SYM(float_mode)(void) {
    /* a = 1 + 2^-12: a * a = 1 + 2^-11 + 2^-24, whose last bit is half a unit in the last place
     * and is rounded to even, away. Only a fused a * a + c with c = -(1 + 2^-11) keeps it. */
    const float a = opaque(UINT32_C(0x3f800800)), c = opaque(UINT32_C(0xbf801000));
    float acc = c;
    acc = acc + a * a;
    const int fma = acc != 0.0f;
    /* 2^-126 / 2 is denormal; so is 2^-127, which a flush of inputs would also make 0. */
    const float small = opaque(UINT32_C(0x00800000)) * opaque(UINT32_C(0x3f000000));
    const float scaled = opaque(UINT32_C(0x00400000)) * opaque(UINT32_C(0x41000000));
    const int ftz = small == 0.0f || scaled == 0.0f;
    return (fma ? BNNC_FLOAT_FMA : 0) | (ftz ? BNNC_FLOAT_FTZ : 0);
}
