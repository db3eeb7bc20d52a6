/* SPDX-License-Identifier: 0BSD */
/* Counting where bits of activations and of weights differ, for eight output channels at once.
 *
 * A step is 16 bytes of a window and of the weights of eight channels, which follow each other:
 * 128 bytes. Sixteen bytes of counts for each channel are summed up to one vector, two bytes for
 * each channel, by seven pairwise additions, and by an eighth to the counts of the channels. So a
 * step of a channel and a pixel takes three instructions: differ, count ones, add. No lane is left
 * to be added up at the end: lane l of the result is channel l. */
#ifndef BNNC_NEON_COUNT_H
#define BNNC_NEON_COUNT_H

#include "bnnc/neon.h"

#define BNNC_STEP 16
#define BNNC_STEP_WEIGHTS (8 * BNNC_STEP)

/* With BNNC_SINGLE_LOADS, compilers do not know that a pointer goes on where another one ends, and
 * cannot load from both by one instruction. Processors that take instructions in order begin a
 * single load beside another instruction; a pair of vectors stops Cortex-A55 for six cycles. */
#ifdef BNNC_SINGLE_LOADS
#define BNNC_APART(p) __asm__("" : "+r"(p))
#else
#define BNNC_APART(p) ((void)(p))
#endif

/* What is counted: where a window and weights differ, or one of these instead. Ternary weights have
 * two planes, a step of signs before one of ones where they are not zero; signs count there only.
 */
#define BNNC_BOTH 1    /* where both are 1; ternary weights: the signs */
#define BNNC_ALONE 2   /* where the weights are 1, or the signs; there need be no window */
#define BNNC_TERNARY 4 /* added to one of them or to nothing */

/* A vector for each of four pixels. */
typedef struct {
    uint8x16_t a, b, c, d;
} bnnc_quad;

/* Counts of eight channels for each of four pixels. At most 65535, so windows are shorter. */
typedef struct {
    uint16x8_t a, b, c, d;
} bnnc_quad_counts;

BNNC_TEMPLATE bnnc_quad bnnc_add_pairs(bnnc_quad p, bnnc_quad q) {
    const bnnc_quad sum = {vpaddq_u8(p.a, q.a), vpaddq_u8(p.b, q.b), vpaddq_u8(p.c, q.c),
                           vpaddq_u8(p.d, q.d)};
    return sum;
}

BNNC_TEMPLATE bnnc_quad bnnc_differ(bnnc_quad x, uint8x16_t w) {
    const bnnc_quad bits = {veorq_u8(x.a, w), veorq_u8(x.b, w), veorq_u8(x.c, w), veorq_u8(x.d, w)};
    return bits;
}

BNNC_TEMPLATE bnnc_quad bnnc_ones(bnnc_quad x) {
    const bnnc_quad counts = {vcntq_u8(x.a), vcntq_u8(x.b), vcntq_u8(x.c), vcntq_u8(x.d)};
    return counts;
}

/* Four channels: quarters of the result. At any time eight instructions or more do not wait for
 * each other, which is for processors that take them in order. */
BNNC_TEMPLATE bnnc_quad bnnc_count_four_of(bnnc_quad x, const uint8x16_t *w) {
    const bnnc_quad p = bnnc_differ(x, w[0]), q = bnnc_differ(x, w[1]);
    const bnnc_quad r = bnnc_differ(x, w[2]), s = bnnc_differ(x, w[3]);
    const bnnc_quad a = bnnc_ones(p), b = bnnc_ones(q), c = bnnc_ones(r), d = bnnc_ones(s);
    const bnnc_quad low = bnnc_add_pairs(a, b);
    return bnnc_add_pairs(low, bnnc_add_pairs(c, d));
}

/* odd: where the weights of channels 1 and 3 are, w + BNNC_STEP. */
BNNC_TEMPLATE bnnc_quad bnnc_count_four(bnnc_quad x, const uint8_t *w, const uint8_t *odd) {
    const uint8x16_t four[4] = {vld1q_u8(w), vld1q_u8(odd), vld1q_u8(w + 2 * BNNC_STEP),
                                vld1q_u8(odd + 2 * BNNC_STEP)};
    return bnnc_count_four_of(x, four);
}

/* The same of ternary weights. */
BNNC_TEMPLATE bnnc_quad bnnc_differ_ternary(bnnc_quad x, const uint8_t *w) {
    const bnnc_quad d = bnnc_differ(x, vld1q_u8(w));
    const uint8x16_t m = vld1q_u8(w + BNNC_STEP_WEIGHTS);
    const bnnc_quad bits = {vandq_u8(d.a, m), vandq_u8(d.b, m), vandq_u8(d.c, m), vandq_u8(d.d, m)};
    return bnnc_ones(bits);
}

BNNC_TEMPLATE bnnc_quad bnnc_count_four_ternary(bnnc_quad x, const uint8_t *w) {
    const bnnc_quad a = bnnc_differ_ternary(x, w), b = bnnc_differ_ternary(x, w + BNNC_STEP);
    const bnnc_quad low = bnnc_add_pairs(a, b);
    const bnnc_quad c = bnnc_differ_ternary(x, w + 2 * BNNC_STEP);
    return bnnc_add_pairs(low, bnnc_add_pairs(c, bnnc_differ_ternary(x, w + 3 * BNNC_STEP)));
}

/* The weights of eight channels that windows meet: runs of so many steps, w_run bytes apart, and
 * behind the last one, where there is `half`, the first half of a step. */
typedef struct {
    const uint8_t *w;
    ptrdiff_t runs, steps, w_run;
    int half;
} bnnc_runs;

/* Weights of half a step, in both halves. */
BNNC_TEMPLATE uint8x16_t bnnc_twice(const uint8_t *w) {
    return vreinterpretq_u8_u64(vld1q_dup_u64((const void *)w));
}

/* Half a step of two windows at once, in the halves of x, and weights in both halves. Counts of a
 * channel in both windows are neighbours. mask: of ternary weights, or NULL. */
BNNC_TEMPLATE uint8x16_t bnnc_count_halves(uint8x16_t x, const uint8x16_t *w,
                                           const uint8x16_t *mask) {
    uint8x16_t v[8];
    for (int l = 0; l < 8; ++l) {
        const uint8x16_t d = veorq_u8(x, w[l]);
        v[l] = vcntq_u8(mask != NULL ? vandq_u8(d, mask[l]) : d);
    }
    const uint8x16_t p = vpaddq_u8(vpaddq_u8(v[0], v[1]), vpaddq_u8(v[2], v[3]));
    const uint8x16_t q = vpaddq_u8(vpaddq_u8(v[4], v[5]), vpaddq_u8(v[6], v[7]));
    return vpaddq_u8(p, q);
}

/* Add neighbours to the counts of two windows. */
BNNC_TEMPLATE void bnnc_add_halves(uint16x8_t *a, uint16x8_t *b, uint8x16_t counts) {
    const uint16x8_t both = vreinterpretq_u16_u8(counts);
    *a = vaddq_u16(*a, vandq_u16(both, vdupq_n_u16(0xff)));
    *b = vsraq_n_u16(*b, both, 8);
}

/* Bytes of a step of weights. */
BNNC_TEMPLATE ptrdiff_t bnnc_step_weights(int how) {
    return how & BNNC_TERNARY ? 2 * BNNC_STEP_WEIGHTS : BNNC_STEP_WEIGHTS;
}

/* Half a step of four windows. how: 0 or BNNC_TERNARY. */
BNNC_TEMPLATE bnnc_quad_counts bnnc_add_half_steps(bnnc_quad_counts n, const uint8_t *from,
                                                   uint8x16_t x, uint8x16_t y, int how) {
    uint8x16_t w[8], mask[8];
    for (int l = 0; l < 8; ++l, from += BNNC_STEP) {
        w[l] = bnnc_twice(from);
        if (how & BNNC_TERNARY) {
            mask[l] = bnnc_twice(from + BNNC_STEP_WEIGHTS);
        }
    }
    bnnc_add_halves(&n.a, &n.b, bnnc_count_halves(x, w, how & BNNC_TERNARY ? mask : NULL));
    bnnc_add_halves(&n.c, &n.d, bnnc_count_halves(y, w, how & BNNC_TERNARY ? mask : NULL));
    return n;
}

/* Four windows that begin `next` bytes apart. how: 0 or BNNC_TERNARY. */
BNNC_TEMPLATE bnnc_quad_counts bnnc_count_windows(const bnnc_runs *r, const uint8_t *x,
                                                  ptrdiff_t next, int how) {
    const int ternary = how & BNNC_TERNARY;
    const uint8_t *x1 = x + next, *x2 = x1 + next, *x3 = x2 + next;
    const uint16x8_t zero = vdupq_n_u16(0);
    bnnc_quad_counts n = {zero, zero, zero, zero};
    for (ptrdiff_t run = 0; run < r->runs; ++run) {
        const uint8_t *w = r->w + run * r->w_run, *odd = w + BNNC_STEP;
        ptrdiff_t steps = r->steps;
        BNNC_APART(odd);
        do {
            const bnnc_quad v = {vld1q_u8(x), vld1q_u8(x1), vld1q_u8(x2), vld1q_u8(x3)};
            const uint8_t *last = w + 4 * BNNC_STEP, *odd_last = odd + 4 * BNNC_STEP;
            const bnnc_quad low =
                ternary ? bnnc_count_four_ternary(v, w) : bnnc_count_four(v, w, odd);
            const bnnc_quad high =
                ternary ? bnnc_count_four_ternary(v, last) : bnnc_count_four(v, last, odd_last);
            const bnnc_quad all = bnnc_add_pairs(low, high);
            n.a = vpadalq_u8(n.a, all.a);
            n.b = vpadalq_u8(n.b, all.b);
            n.c = vpadalq_u8(n.c, all.c);
            n.d = vpadalq_u8(n.d, all.d);
            x += BNNC_STEP;
            x1 += BNNC_STEP;
            x2 += BNNC_STEP;
            x3 += BNNC_STEP;
            w += bnnc_step_weights(how);
            odd += bnnc_step_weights(how);
        } while (--steps != 0);
    }
    if (r->half) {
        const uint8_t *w = r->w + r->runs * r->steps * bnnc_step_weights(how);
        const uint8x16_t p = vcombine_u8(vld1_u8(x), vld1_u8(x1));
        const uint8x16_t q = vcombine_u8(vld1_u8(x2), vld1_u8(x3));
        n = bnnc_add_half_steps(n, w, p, q, how);
    }
    return n;
}

BNNC_TEMPLATE uint8x16_t bnnc_meet_weights(const uint8_t *w, uint8x16_t x, int how) {
    const uint8x16_t u = vld1q_u8(w);
    if (how & BNNC_ALONE) {
        return u;
    } else if (how & BNNC_BOTH) {
        return vandq_u8(x, u);
    }
    return how & BNNC_TERNARY ? vandq_u8(veorq_u8(x, u), vld1q_u8(w + BNNC_STEP_WEIGHTS))
                              : veorq_u8(x, u);
}

/* One step of one window. */
BNNC_TEMPLATE uint16x8_t bnnc_count_step(uint16x8_t n, const uint8_t *w, uint8x16_t x, int how) {
    uint8x16_t v[8];
    for (int l = 0; l < 8; ++l) {
        v[l] = vcntq_u8(bnnc_meet_weights(w + l * BNNC_STEP, x, how));
    }
    const uint8x16_t p = vpaddq_u8(vpaddq_u8(v[0], v[1]), vpaddq_u8(v[2], v[3]));
    const uint8x16_t q = vpaddq_u8(vpaddq_u8(v[4], v[5]), vpaddq_u8(v[6], v[7]));
    return vpadalq_u8(n, vpaddq_u8(p, q));
}

/* Where a mask and the weights are both 1, of steps that the mask has ones in: mostly few. */
BNNC_TEMPLATE uint16x8_t bnnc_count_mask(const bnnc_runs *r, const uint8_t *mask) {
    uint16x8_t n = vdupq_n_u16(0);
    for (ptrdiff_t run = 0; run < r->runs; ++run) {
        const uint8_t *w = r->w + run * r->w_run;
        for (ptrdiff_t k = r->steps; k > 0; --k, mask += BNNC_STEP, w += BNNC_STEP_WEIGHTS) {
            const uint8x16_t x = vld1q_u8(mask);
            if (vmaxvq_u8(x) != 0) {
                n = bnnc_count_step(n, w, x, BNNC_BOTH);
            }
        }
    }
    if (r->half) {
        const uint8_t *w = r->w + r->runs * r->steps * BNNC_STEP_WEIGHTS;
        n = bnnc_count_step(n, w, vcombine_u8(vld1_u8(mask), vdup_n_u8(0)), BNNC_BOTH);
    }
    return n;
}

/* One window. Where there is but one, the weights come from far: they are asked for in time. */
BNNC_TEMPLATE uint16x8_t bnnc_count_window1(const bnnc_runs *r, const uint8_t *x, int how) {
    const ptrdiff_t step = bnnc_step_weights(how);
    uint16x8_t n = vdupq_n_u16(0), m = n;
    for (ptrdiff_t run = 0; run < r->runs; ++run) {
        const uint8_t *w = r->w + run * r->w_run;
        ptrdiff_t steps = r->steps;
        for (; steps >= 2; steps -= 2, x += 2 * BNNC_STEP, w += 2 * step) {
            __builtin_prefetch(w + 6 * step);
            n = bnnc_count_step(n, w, vld1q_u8(x), how);
            m = bnnc_count_step(m, w + step, vld1q_u8(x + BNNC_STEP), how);
        }
        if (steps > 0) {
            n = bnnc_count_step(n, w, vld1q_u8(x), how);
            x += BNNC_STEP;
        }
    }
    if (r->half) {
        const uint8_t *w = r->w + r->runs * r->steps * step;
        n = bnnc_count_step(n, w, vcombine_u8(vld1_u8(x), vdup_n_u8(0)), how);
    }
    return vaddq_u16(n, m);
}

#endif
