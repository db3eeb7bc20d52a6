/* SPDX-License-Identifier: 0BSD */
/* Operations that only move data. */
#include "bnnc/kernels.h"
#include "bnnc/positions.h"

BNNC_TEMPLATE void transpose(const bnnc_transpose *p, const void *x, void *y, ptrdiff_t size) {
    const int32_t last = BNNC_MAX_DIMS - 1;
    int32_t at[BNNC_MAX_DIMS] = {0};
    uint8_t *to = (uint8_t *)y;
    do {
        const uint8_t *from = (const uint8_t *)x;
        for (int32_t axis = 0; axis < last; ++axis) {
            from += size * at[axis] * p->stride[axis];
        }
        for (int32_t i = 0; i < p->dims[last]; ++i, to += size) {
            memcpy(to, from + size * i * p->stride[last], (size_t)size);
        }
    } while (bnnc_next_position(at, p->dims, last));
}

void BNNC_SYM(transpose_f32)(const bnnc_transpose *p, const float *x, float *y) {
    transpose(p, x, y, sizeof *x);
}

void BNNC_SYM(transpose_i32)(const bnnc_transpose *p, const int32_t *x, int32_t *y) {
    transpose(p, x, y, sizeof *x);
}

void BNNC_SYM(transpose_u8)(const bnnc_transpose *p, const uint8_t *x, uint8_t *y) {
    transpose(p, x, y, sizeof *x);
}

BNNC_TEMPLATE void pad(const bnnc_pad *p, const void *x, void *y, const void *value,
                       ptrdiff_t size) {
    const int32_t last = BNNC_MAX_DIMS - 1;
    const int32_t lo = p->before[last], hi = lo + p->in_dims[last];
    int32_t at[BNNC_MAX_DIMS] = {0};
    const uint8_t *from = (const uint8_t *)x;
    uint8_t *to = (uint8_t *)y;
    do {
        int inside = 1;
        for (int32_t axis = 0; axis < last; ++axis) {
            const int32_t i = at[axis] - p->before[axis];
            inside = inside && i >= 0 && i < p->in_dims[axis];
        }
        /* Rows of the result meet rows of the input in row-major order. */
        for (int32_t i = 0; i < p->dims[last]; ++i, to += size) {
            const int take = inside && i >= lo && i < hi;
            memcpy(to, take ? from : (const uint8_t *)value, (size_t)size);
            from += take ? size : 0;
        }
    } while (bnnc_next_position(at, p->dims, last));
}

void BNNC_SYM(pad_f32)(const bnnc_pad *p, const float *x, float *y) {
    pad(p, x, y, &p->value, sizeof *x);
}

void BNNC_SYM(pad_u8)(const bnnc_pad *p, const uint8_t *x, uint8_t *y) {
    const uint8_t value = (uint8_t)(int32_t)p->value; /* a level, or a bit: -1 is 0xff */
    pad(p, x, y, &value, sizeof *x);
}

/* Bytes, so it serves every element type: concat, split, slice, reshape into another buffer. */
void BNNC_SYM(copy_rows)(const bnnc_copy *p, const void *x, void *y) {
    const uint8_t *from = (const uint8_t *)x + p->src_offset;
    uint8_t *to = (uint8_t *)y + p->dst_offset;
    for (int32_t r = 0; r < p->rows; ++r) {
        memcpy(to + (ptrdiff_t)r * p->dst_stride, from + (ptrdiff_t)r * p->src_stride,
               (size_t)p->row_bytes);
    }
}
