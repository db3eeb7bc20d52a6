/* SPDX-License-Identifier: 0BSD */
/* Elementwise operations on two floats, broadcast; y may be the buffer of an operand of its
 * shape. */
#include "bnnc/kernels.h"

typedef float (*binary)(float a, float b);

BNNC_TEMPLATE void apply(const bnnc_broadcast *p, const float *a, const float *b, float *y,
                         binary f) {
    const int32_t *dims = p->dims, *sa = p->stride_a, *sb = p->stride_b;
    int32_t at[BNNC_MAX_DIMS] = {0};
    int32_t run = 1, natural = 1, outer = BNNC_MAX_DIMS;
    /* The longest run of trailing axes along which both operands are contiguous. */
    while (outer > 0 &&
           (dims[outer - 1] == 1 || (sa[outer - 1] == natural && sb[outer - 1] == natural))) {
        --outer;
        natural *= dims[outer];
    }
    run = natural;
    int32_t step_a = 1, step_b = 1;
    if (outer == BNNC_MAX_DIMS) { /* none: at least the last axis is one run */
        --outer;
        run = dims[outer];
        step_a = sa[outer];
        step_b = sb[outer];
    }
    for (;;) {
        if (step_a == 1 && step_b == 1) {
            for (int32_t i = 0; i < run; ++i) {
                y[i] = f(a[i], b[i]);
            }
        } else {
            for (int32_t i = 0; i < run; ++i) {
                y[i] = f(a[i * step_a], b[i * step_b]);
            }
        }
        y += run;
        int32_t axis = outer - 1;
        for (; axis >= 0; --axis) {
            a += sa[axis];
            b += sb[axis];
            if (++at[axis] < dims[axis]) {
                break;
            }
            at[axis] = 0;
            a -= (ptrdiff_t)sa[axis] * dims[axis];
            b -= (ptrdiff_t)sb[axis] * dims[axis];
        }
        if (axis < 0) {
            return;
        }
    }
}

BNNC_TEMPLATE float add(float a, float b) { return a + b; }
BNNC_TEMPLATE float sub(float a, float b) { return a - b; }
BNNC_TEMPLATE float mul(float a, float b) { return a * b; }
BNNC_TEMPLATE float quotient(float a, float b) { return a / b; }
BNNC_TEMPLATE float quotient_or_zero(float a, float b) { return b == 0 ? 0.0f : a / b; }
BNNC_TEMPLATE float maximum(float a, float b) { return b > a ? b : a; }
BNNC_TEMPLATE float minimum(float a, float b) { return b < a ? b : a; }
BNNC_TEMPLATE float prelu(float x, float slope) { return x < 0 ? x * slope : x; }

void BNNC_SYM(add_f32)(const bnnc_broadcast *p, const float *a, const float *b, float *y) {
    apply(p, a, b, y, add);
}

void BNNC_SYM(sub_f32)(const bnnc_broadcast *p, const float *a, const float *b, float *y) {
    apply(p, a, b, y, sub);
}

void BNNC_SYM(mul_f32)(const bnnc_broadcast *p, const float *a, const float *b, float *y) {
    apply(p, a, b, y, mul);
}

void BNNC_SYM(div_f32)(const bnnc_broadcast *p, const float *a, const float *b, float *y) {
    apply(p, a, b, y, quotient);
}

void BNNC_SYM(div_no_nan_f32)(const bnnc_broadcast *p, const float *a, const float *b, float *y) {
    apply(p, a, b, y, quotient_or_zero);
}

void BNNC_SYM(maximum_f32)(const bnnc_broadcast *p, const float *a, const float *b, float *y) {
    apply(p, a, b, y, maximum);
}

void BNNC_SYM(minimum_f32)(const bnnc_broadcast *p, const float *a, const float *b, float *y) {
    apply(p, a, b, y, minimum);
}

void BNNC_SYM(prelu_f32)(const bnnc_broadcast *p, const float *x, const float *slope, float *y) {
    apply(p, x, slope, y, prelu);
}
