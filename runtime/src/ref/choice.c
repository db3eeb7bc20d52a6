/* SPDX-License-Identifier: 0BSD */
/* Comparisons and choices, broadcast; truth values are bytes. */
#include "bnnc/kernels.h"

/* Advance a row-major position and the places that it means in the operands; zero at the end. */
BNNC_TEMPLATE int next_element(int32_t *at, const int32_t *dims, int32_t operands,
                               const int32_t *const *strides, ptrdiff_t *places) {
    for (int32_t axis = BNNC_MAX_DIMS - 1; axis >= 0; --axis) {
        const int inside = ++at[axis] < dims[axis];
        for (int32_t k = 0; k < operands; ++k) {
            places[k] +=
                inside ? strides[k][axis] : -(ptrdiff_t)strides[k][axis] * (dims[axis] - 1);
        }
        if (inside) {
            return 1;
        }
        at[axis] = 0;
    }
    return 0;
}

/* less 0, equal 1, greater 2, and 3 where one is NaN */
BNNC_TEMPLATE int relation(float a, float b) { return a < b ? 0 : a == b ? 1 : a > b ? 2 : 3; }

void BNNC_SYM(compare_f32)(const bnnc_compare *p, const float *a, const float *b, uint8_t *y) {
    const int32_t *const strides[2] = {p->stride_a, p->stride_b};
    int32_t at[BNNC_MAX_DIMS] = {0};
    ptrdiff_t places[2] = {0, 0};
    do {
        *y++ = (uint8_t)(p->wanted >> relation(a[places[0]], b[places[1]]) & 1);
    } while (next_element(at, p->dims, 2, strides, places));
}

void BNNC_SYM(compare_u8)(const bnnc_compare *p, const uint8_t *a, const uint8_t *b, uint8_t *y) {
    const int32_t *const strides[2] = {p->stride_a, p->stride_b};
    int32_t at[BNNC_MAX_DIMS] = {0};
    ptrdiff_t places[2] = {0, 0};
    do {
        *y++ = (uint8_t)(p->wanted >> relation(a[places[0]], b[places[1]]) & 1);
    } while (next_element(at, p->dims, 2, strides, places));
}

void BNNC_SYM(select_f32)(const bnnc_select *p, const uint8_t *condition, const float *a,
                          const float *b, float *y) {
    const int32_t *const strides[3] = {p->stride_condition, p->stride_a, p->stride_b};
    int32_t at[BNNC_MAX_DIMS] = {0};
    ptrdiff_t places[3] = {0, 0, 0};
    do {
        *y++ = condition[places[0]] ? a[places[1]] : b[places[2]];
    } while (next_element(at, p->dims, 3, strides, places));
}

void BNNC_SYM(cast_u8_f32)(const bnnc_rows *p, const uint8_t *x, float *y) {
    for (ptrdiff_t i = 0; i < (ptrdiff_t)p->rows * p->c; ++i) {
        y[i] = (float)x[i];
    }
}

void BNNC_SYM(cast_i32_f32)(const bnnc_rows *p, const int32_t *x, float *y) {
    for (ptrdiff_t i = 0; i < (ptrdiff_t)p->rows * p->c; ++i) {
        y[i] = (float)x[i];
    }
}
