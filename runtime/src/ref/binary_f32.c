/* SPDX-License-Identifier: 0BSD */
/* Elementwise operations on two floats, broadcast; y may be the buffer of an operand of its
 * shape. */
#include "bnnc/float_rows.h"
#include "bnnc/kernels.h"

/* Elements that lie `step` apart. */
typedef struct {
    const float *from;
    ptrdiff_t step;
} operand;

BNNC_TEMPLATE float add(float a, float b) { return a + b; }
BNNC_TEMPLATE float sub(float a, float b) { return a - b; }
BNNC_TEMPLATE float mul(float a, float b) { return a * b; }
BNNC_TEMPLATE float quotient(float a, float b) { return a / b; }
BNNC_TEMPLATE float quotient_or_zero(float a, float b) { return b == 0 ? 0.0f : a / b; }
BNNC_TEMPLATE float maximum(float a, float b) { return b > a ? b : a; }
BNNC_TEMPLATE float minimum(float a, float b) { return b < a ? b : a; }
BNNC_TEMPLATE float prelu(float x, float slope) { return x < 0 ? x * slope : x; }

typedef float (*binary)(float a, float b);

BNNC_TEMPLATE void row_of(operand a, operand b, ptrdiff_t n, float *y, binary f) {
    ptrdiff_t i = 0;
    for (; a.step == 1 && b.step == 1 && i + BNNC_FLOATS <= n; i += BNNC_FLOATS) {
        bnnc_floats u, v;
        memcpy(u, a.from + i, sizeof u);
        memcpy(v, b.from + i, sizeof v);
        BNNC_LANE_LOOP
        for (int l = 0; l < BNNC_FLOATS; ++l) {
            u[l] = f(u[l], v[l]);
        }
        memcpy(y + i, u, sizeof u);
    }
    for (; i < n; ++i) {
        y[i] = f(a.from[i * a.step], b.from[i * b.step]);
    }
}

/* Which function: one loop over rows serves all of them. */
typedef enum { ADD, SUB, MUL, DIV, DIV_NO_NAN, MAXIMUM, MINIMUM, PRELU } operation;

/* Few at a time: compilers make no table of places to jump to, which would hide from tools what is
 * called. */
BNNC_NOINLINE void sum_row(operation f, operand a, operand b, ptrdiff_t n, float *y) {
    if (f == ADD) {
        row_of(a, b, n, y, add);
    } else if (f == SUB) {
        row_of(a, b, n, y, sub);
    } else {
        row_of(a, b, n, y, mul);
    }
}

BNNC_NOINLINE void quotient_row(operation f, operand a, operand b, ptrdiff_t n, float *y) {
    if (f == DIV) {
        row_of(a, b, n, y, quotient);
    } else {
        row_of(a, b, n, y, quotient_or_zero);
    }
}

BNNC_NOINLINE void choice_row(operation f, operand a, operand b, ptrdiff_t n, float *y) {
    if (f == MAXIMUM) {
        row_of(a, b, n, y, maximum);
    } else if (f == MINIMUM) {
        row_of(a, b, n, y, minimum);
    } else {
        row_of(a, b, n, y, prelu);
    }
}

static void apply_row(operation f, operand a, operand b, ptrdiff_t n, float *y) {
    if (f <= MUL) {
        sum_row(f, a, b, n, y);
    } else if (f <= DIV_NO_NAN) {
        quotient_row(f, a, b, n, y);
    } else {
        choice_row(f, a, b, n, y);
    }
}

/* After how many elements an operand repeats: all of those along its last axes, which follow each
 * other, if it is repeated along the axes before; otherwise 0. */
static ptrdiff_t period(const int32_t *dims, const int32_t *strides) {
    ptrdiff_t natural = 1;
    int32_t axis = BNNC_MAX_DIMS - 1;
    for (; axis >= 0 && (dims[axis] == 1 || strides[axis] == natural); --axis) {
        natural *= dims[axis];
    }
    for (; axis >= 0; --axis) {
        if (dims[axis] != 1 && strides[axis] != 0) {
            return 0;
        }
    }
    return natural;
}

/* One operand has all elements, the other repeats: a number, or one for each channel. */
static void apply_periodic(const float *a, ptrdiff_t period_a, const float *b, ptrdiff_t period_b,
                           ptrdiff_t all, float *y, operation f) {
    float room[BNNC_REPEATED];
    ptrdiff_t length = all;
    if (period_b < all) {
        length = bnnc_repeat(&b, period_b, room);
    } else if (period_a < all) {
        length = bnnc_repeat(&a, period_a, room);
    }
    const ptrdiff_t next_a = period_a < all ? 0 : length, next_b = period_b < all ? 0 : length;
    for (ptrdiff_t i = 0; i < all; i += length, a += next_a, b += next_b) {
        const operand u = {a, 1}, v = {b, 1};
        apply_row(f, u, v, all - i < length ? all - i : length, y + i);
    }
}

/* Any strides: the last axis at once, or as many as are contiguous in both operands. */
static void apply_strided(const bnnc_broadcast *p, const float *a, const float *b, float *y,
                          operation f) {
    const int32_t *dims = p->dims, *sa = p->stride_a, *sb = p->stride_b;
    int32_t at[BNNC_MAX_DIMS] = {0};
    int32_t run = 1, outer = BNNC_MAX_DIMS;
    while (outer > 0 && (dims[outer - 1] == 1 || (sa[outer - 1] == run && sb[outer - 1] == run))) {
        --outer;
        run *= dims[outer];
    }
    operand u = {a, 1}, v = {b, 1};
    if (outer == BNNC_MAX_DIMS) { /* none: at least the last axis is one run */
        --outer;
        run = dims[outer];
        u.step = sa[outer];
        v.step = sb[outer];
    }
    for (;;) {
        apply_row(f, u, v, run, y);
        y += run;
        int32_t axis = outer - 1;
        for (; axis >= 0; --axis) {
            u.from += sa[axis];
            v.from += sb[axis];
            if (++at[axis] < dims[axis]) {
                break;
            }
            at[axis] = 0;
            u.from -= (ptrdiff_t)sa[axis] * dims[axis];
            v.from -= (ptrdiff_t)sb[axis] * dims[axis];
        }
        if (axis < 0) {
            return;
        }
    }
}

BNNC_NOINLINE void apply_rows(const bnnc_broadcast *p, const float *a, const float *b, float *y,
                              operation f) {
    BNNC_KEEP(f); /* not known, or gcc would make a copy of all this for each function */
    const ptrdiff_t period_a = period(p->dims, p->stride_a),
                    period_b = period(p->dims, p->stride_b);
    ptrdiff_t all = 1;
    for (int32_t axis = 0; axis < BNNC_MAX_DIMS; ++axis) {
        all *= p->dims[axis];
    }
    if (period_a > 0 && period_b > 0 && (period_a == all || period_b == all)) {
        apply_periodic(a, period_a, b, period_b, all, y, f);
    } else {
        apply_strided(p, a, b, y, f);
    }
}

void BNNC_SYM(add_f32)(const bnnc_broadcast *p, const float *a, const float *b, float *y) {
    apply_rows(p, a, b, y, ADD);
}

void BNNC_SYM(sub_f32)(const bnnc_broadcast *p, const float *a, const float *b, float *y) {
    apply_rows(p, a, b, y, SUB);
}

void BNNC_SYM(mul_f32)(const bnnc_broadcast *p, const float *a, const float *b, float *y) {
    apply_rows(p, a, b, y, MUL);
}

void BNNC_SYM(div_f32)(const bnnc_broadcast *p, const float *a, const float *b, float *y) {
    apply_rows(p, a, b, y, DIV);
}

void BNNC_SYM(div_no_nan_f32)(const bnnc_broadcast *p, const float *a, const float *b, float *y) {
    apply_rows(p, a, b, y, DIV_NO_NAN);
}

void BNNC_SYM(maximum_f32)(const bnnc_broadcast *p, const float *a, const float *b, float *y) {
    apply_rows(p, a, b, y, MAXIMUM);
}

void BNNC_SYM(minimum_f32)(const bnnc_broadcast *p, const float *a, const float *b, float *y) {
    apply_rows(p, a, b, y, MINIMUM);
}

void BNNC_SYM(prelu_f32)(const bnnc_broadcast *p, const float *x, const float *slope, float *y) {
    apply_rows(p, x, slope, y, PRELU);
}
