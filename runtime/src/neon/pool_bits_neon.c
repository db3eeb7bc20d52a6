/* SPDX-License-Identifier: 0BSD */
/* Max pooling of bits; 64-bit ARM. Bit 1 is -1, so the maximum of a window is the conjunction of
 * its bits. */
#include "bnnc/kernels.h"
#include "bnnc/neon.h"
#include "bnnc/pool_loop.h"

/* The pixels under a window: rows and pixels lie so many bytes apart. */
typedef struct {
    const uint8_t *x;
    ptrdiff_t row, pixel;
    int32_t rows, columns;
} covered;

/* Computes some bytes of the result: k and the next ones. */
typedef void (*part)(const covered *v, const uint8_t *flip, uint8_t *y, ptrdiff_t k);

BNNC_TEMPLATE void sixteen(const covered *v, const uint8_t *flip, uint8_t *y, ptrdiff_t k) {
    uint8x16_t minus = vdupq_n_u8(0xff);
    for (int32_t i = 0; i < v->rows; ++i) {
        const uint8_t *x = v->x + i * v->row + k;
        for (int32_t j = 0; j < v->columns; ++j, x += v->pixel) {
            minus = vandq_u8(minus, vld1q_u8(x));
        }
    }
    vst1q_u8(y + k, flip != NULL ? veorq_u8(minus, vld1q_u8(flip + k)) : minus);
}

BNNC_TEMPLATE void word(const covered *v, const uint8_t *flip, uint8_t *y, ptrdiff_t k,
                        size_t size) {
    uint64_t minus = UINT64_MAX, some = 0;
    for (int32_t i = 0; i < v->rows; ++i) {
        const uint8_t *x = v->x + i * v->row + k;
        for (int32_t j = 0; j < v->columns; ++j, x += v->pixel) {
            memcpy(&some, x, size);
            minus &= some;
        }
    }
    if (flip != NULL) {
        memcpy(&some, flip + k, size);
        minus ^= some;
    }
    memcpy(y + k, &minus, size);
}

BNNC_TEMPLATE void eight(const covered *v, const uint8_t *flip, uint8_t *y, ptrdiff_t k) {
    word(v, flip, y, k, 8);
}

BNNC_TEMPLATE void four(const covered *v, const uint8_t *flip, uint8_t *y, ptrdiff_t k) {
    word(v, flip, y, k, 4);
}

BNNC_TEMPLATE void single(const covered *v, const uint8_t *flip, uint8_t *y, ptrdiff_t k) {
    word(v, flip, y, k, 1);
}

/* A pixel of the result; the last part may meet bytes of the one before it once more. */
BNNC_TEMPLATE void pixel(const covered *v, const uint8_t *flip, uint8_t *y, ptrdiff_t bytes,
                         ptrdiff_t size, part compute) {
    ptrdiff_t k = 0;
    for (; k + size <= bytes; k += size) {
        compute(v, flip, y, k);
    }
    if (k < bytes) {
        compute(v, flip, y, bytes - size);
    }
}

/* A row of the result. Windows of 2 x 2 pixels have constants of their own. */
BNNC_TEMPLATE void pool_row(const bnnc_pool2d *p, const uint8_t *image, int32_t oy,
                            const uint8_t *flip, uint8_t *y, ptrdiff_t size, part compute) {
    const ptrdiff_t bytes = bnnc_bit_bytes(p->c), row = p->iw * bytes;
    bnnc_pool_window w;
    bnnc_clip_range(oy * p->stride_h - p->pad_top, p->kh, p->ih, &w.y_lo, &w.y_hi);
    image += w.y_lo * row;
    for (int32_t ox = 0; ox < p->ow; ++ox, y += bytes) {
        bnnc_clip_range(ox * p->stride_w - p->pad_left, p->kw, p->iw, &w.x_lo, &w.x_hi);
        const covered v = {image + w.x_lo * bytes, row, bytes, w.y_hi - w.y_lo, w.x_hi - w.x_lo};
        if (v.rows == 2 && v.columns == 2) {
            const covered square = {v.x, row, bytes, 2, 2};
            pixel(&square, flip, y, bytes, size, compute);
        } else {
            pixel(&v, flip, y, bytes, size, compute);
        }
    }
}

void BNNC_SYM(max_pool_bits_neon)(const bnnc_pool2d *p, const uint8_t *x, const uint8_t *flip,
                                  uint8_t *y) {
    const ptrdiff_t bytes = bnnc_bit_bytes(p->c);
    for (int32_t n = 0; n < p->n; ++n, x += (ptrdiff_t)p->ih * p->iw * bytes) {
        for (int32_t oy = 0; oy < p->oh; ++oy, y += p->ow * bytes) {
            if (bytes >= 16) {
                pool_row(p, x, oy, flip, y, 16, sixteen);
            } else if (bytes >= 8) {
                pool_row(p, x, oy, flip, y, 8, eight);
            } else if (bytes >= 4) {
                pool_row(p, x, oy, flip, y, 4, four);
            } else {
                pool_row(p, x, oy, flip, y, 1, single);
            }
        }
    }
}
