/* SPDX-License-Identifier: 0BSD */
/* exp, log, tanh, sigmoid, round and square roots, elementwise; y may be the buffer of x. */
#include "bnnc/kernels.h"
#include "bnnc/math.h"
#include "bnnc/unary_loop.h"

BNNC_TEMPLATE float exp_of(const bnnc_unary *p, float x) {
    (void)p;
    return bnnc_exp(x);
}

BNNC_TEMPLATE float log_of(const bnnc_unary *p, float x) {
    (void)p;
    return bnnc_log(x);
}

BNNC_TEMPLATE float tanh_of(const bnnc_unary *p, float x) {
    (void)p;
    return bnnc_tanh(x);
}

BNNC_TEMPLATE float sigmoid_of(const bnnc_unary *p, float x) {
    (void)p;
    return bnnc_sigmoid(x);
}

BNNC_TEMPLATE float round_of(const bnnc_unary *p, float x) {
    (void)p;
    return bnnc_round(x);
}

BNNC_TEMPLATE float sqrt_of(const bnnc_unary *p, float x) {
    (void)p;
    return bnnc_sqrt(x);
}

BNNC_TEMPLATE float rsqrt_of(const bnnc_unary *p, float x) {
    (void)p;
    return 1.0f / bnnc_sqrt(x);
}

void BNNC_SYM(sqrt_f32)(const bnnc_unary *p, const float *x, float *y) {
    bnnc_unary_loop(p, x, y, sqrt_of);
}

void BNNC_SYM(rsqrt_f32)(const bnnc_unary *p, const float *x, float *y) {
    bnnc_unary_loop(p, x, y, rsqrt_of);
}

void BNNC_SYM(exp_f32)(const bnnc_unary *p, const float *x, float *y) {
    bnnc_unary_loop(p, x, y, exp_of);
}

void BNNC_SYM(log_f32)(const bnnc_unary *p, const float *x, float *y) {
    bnnc_unary_loop(p, x, y, log_of);
}

void BNNC_SYM(tanh_f32)(const bnnc_unary *p, const float *x, float *y) {
    bnnc_unary_loop(p, x, y, tanh_of);
}

void BNNC_SYM(sigmoid_f32)(const bnnc_unary *p, const float *x, float *y) {
    bnnc_unary_loop(p, x, y, sigmoid_of);
}

void BNNC_SYM(round_f32)(const bnnc_unary *p, const float *x, float *y) {
    bnnc_unary_loop(p, x, y, round_of);
}
