/* SPDX-License-Identifier: 0BSD */
/* Elementwise operations on one float; y may be the buffer of x. */
#include "bnnc/kernels.h"
#include "bnnc/unary_loop.h"

BNNC_TEMPLATE float relu(const bnnc_unary *p, float x) {
    (void)p;
    return x < 0 ? 0.0f : x;
}

BNNC_TEMPLATE float clip(const bnnc_unary *p, float x) {
    const float below = x > p->hi ? p->hi : x;
    return below < p->lo ? p->lo : below;
}

BNNC_TEMPLATE float leaky_relu(const bnnc_unary *p, float x) { return x < 0 ? x * p->lo : x; }

BNNC_TEMPLATE float neg(const bnnc_unary *p, float x) {
    (void)p;
    return -x;
}

BNNC_TEMPLATE float magnitude(const bnnc_unary *p, float x) {
    (void)p;
    return bnnc_bits_float(bnnc_float_bits(x) & 0x7fffffffu);
}

BNNC_TEMPLATE float sign(const bnnc_unary *p, float x) {
    if (x > 0) {
        return 1.0f;
    }
    if (x < 0) {
        return -1.0f;
    }
    if (x == 0) {
        return p->lo;
    }
    return p->hi != 0 ? p->hi : x;
}

void BNNC_SYM(relu_f32)(const bnnc_unary *p, const float *x, float *y) {
    bnnc_unary_lanes(p, x, y, relu);
}

void BNNC_SYM(clip_f32)(const bnnc_unary *p, const float *x, float *y) {
    bnnc_unary_lanes(p, x, y, clip);
}

void BNNC_SYM(leaky_relu_f32)(const bnnc_unary *p, const float *x, float *y) {
    bnnc_unary_lanes(p, x, y, leaky_relu);
}

void BNNC_SYM(neg_f32)(const bnnc_unary *p, const float *x, float *y) {
    bnnc_unary_lanes(p, x, y, neg);
}

void BNNC_SYM(abs_f32)(const bnnc_unary *p, const float *x, float *y) {
    bnnc_unary_lanes(p, x, y, magnitude);
}

void BNNC_SYM(sign_f32)(const bnnc_unary *p, const float *x, float *y) {
    bnnc_unary_loop(p, x, y, sign);
}
