/* SPDX-License-Identifier: 0BSD */
/* Convolution and dense layers of quantized bytes, bit weights [oc][kh][kw][ic / groups] with
 * each tap in whole bytes.
 *
 * sum(x * w) = sum(x) - 2 * sum(x where w = -1); the last sum takes the eight numbers that a byte
 * of weights meets at once, in 16 bits: of a piece, each of them adds 48 numbers of at most 255. */
#include "bnnc/conv_bytes.h"
#include "bnnc/kernels.h"

typedef int16_t eight[8];

#define MASK(byte, l) (-((byte) >> (l) & 1))
#define MASKS(b)                                                                                   \
    {MASK(b, 0), MASK(b, 1), MASK(b, 2), MASK(b, 3), MASK(b, 4), MASK(b, 5), MASK(b, 6), MASK(b, 7)}
#define MASKS4(b) MASKS(b), MASKS((b) + 1), MASKS((b) + 2), MASKS((b) + 3)
#define MASKS16(b) MASKS4(b), MASKS4((b) + 4), MASKS4((b) + 8), MASKS4((b) + 12)
#define MASKS64(b) MASKS16(b), MASKS16((b) + 16), MASKS16((b) + 32), MASKS16((b) + 48)
static const eight masks[256] = {MASKS64(0), MASKS64(64), MASKS64(128), MASKS64(192)};

#if defined(__GNUC__)
typedef int16_t vector __attribute__((vector_size(16)));
#define AND_ADD(acc, x, m) (acc) += (x) & (m)
#else
typedef struct {
    int16_t l[8];
} vector;
#define AND_ADD(acc, x, m)                                                                         \
    for (int32_t l_ = 0; l_ < 8; ++l_) {                                                           \
        (acc).l[l_] = (int16_t)((acc).l[l_] + ((x).l[l_] & (m).l[l_]));                            \
    }
#endif

BNNC_TEMPLATE vector load(const int16_t *x) {
    vector v;
    memcpy(&v, x, sizeof v);
    return v;
}

BNNC_TEMPLATE int32_t total(vector v) {
    eight a;
    int32_t sum = 0;
    memcpy(a, &v, sizeof a);
    for (int32_t l = 0; l < 8; ++l) {
        sum += a[l];
    }
    return sum;
}

/* Two channels and four pixels, or one that counts and others that nobody reads. */
BNNC_TEMPLATE void multiply_4x2(bnnc_byte_block *b, int32_t lane, const uint8_t *w,
                                const uint8_t *v, int32_t n, const int32_t *all) {
    const int16_t *x = bnnc_piece(b, 0), *y = bnnc_piece(b, 1);
    const int16_t *z = bnnc_piece(b, 2), *u = bnnc_piece(b, 3);
    const vector zero = load(masks[0]);
    vector a0 = zero, a1 = zero, a2 = zero, a3 = zero, c0 = zero, c1 = zero, c2 = zero, c3 = zero;
    for (int32_t k = 0; k < n; k += 8) {
        const vector s = load(masks[*w++]), t = load(masks[*v++]);
        const vector x0 = load(x + k), x1 = load(y + k), x2 = load(z + k), x3 = load(u + k);
        AND_ADD(a0, x0, s);
        AND_ADD(c0, x0, t);
        AND_ADD(a1, x1, s);
        AND_ADD(c1, x1, t);
        AND_ADD(a2, x2, s);
        AND_ADD(c2, x2, t);
        AND_ADD(a3, x3, s);
        AND_ADD(c3, x3, t);
    }
    bnnc_add_four(b, lane, all[0] - 2 * total(a0), all[1] - 2 * total(a1), all[2] - 2 * total(a2),
                  all[3] - 2 * total(a3));
    if (v != w) {
        bnnc_add_four(b, lane + 1, all[0] - 2 * total(c0), all[1] - 2 * total(c1),
                      all[2] - 2 * total(c2), all[3] - 2 * total(c3));
    }
}

BNNC_TEMPLATE void multiply_1x2(bnnc_byte_block *b, int32_t lane, const uint8_t *w,
                                const uint8_t *v, int32_t n, const int32_t *all) {
    const int16_t *x = bnnc_piece(b, 0);
    vector a = load(masks[0]), c = a;
    for (int32_t k = 0; k < n; k += 8) {
        const vector s = load(masks[*w++]), t = load(masks[*v++]), x0 = load(x + k);
        AND_ADD(a, x0, s);
        AND_ADD(c, x0, t);
    }
    b->sum[lane] += all[0] - 2 * total(a);
    if (v != w) {
        b->sum[lane + 1] += all[0] - 2 * total(c);
    }
}

BNNC_NOINLINE void multiply(bnnc_byte_block *b, int32_t lane, int32_t lanes, const uint8_t *w,
                            ptrdiff_t row, int32_t n) {
    int32_t all[BNNC_BYTE_PIXELS] = {0};
    for (int32_t q = 0; q < b->pixels; ++q) {
        for (int32_t k = 0; k < n; ++k) {
            all[q] += bnnc_piece(b, q)[k];
        }
    }
    for (; lanes > 0; lanes -= 2, lane += 2, w += 2 * row) {
        const uint8_t *v = lanes > 1 ? w + row : w;
        if (b->pixels > 1) {
            multiply_4x2(b, lane, w, v, n, all);
        } else {
            multiply_1x2(b, lane, w, v, n, all);
        }
    }
}

BNNC_TEMPLATE void convolve(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                            const bnnc_byte_end *end, bnnc_finish_bytes finish) {
    const int32_t width = 8 * bnnc_bit_bytes(p->ic / p->groups);
    bnnc_conv2d_bytes(p, x, w, 1, width, end, multiply, finish);
}

void BNNC_SYM(conv2d_ib_q8)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                            const int32_t *bias, const int32_t *multiplier, const int32_t *shift,
                            uint8_t *y) {
    const bnnc_byte_end end = {bias, multiplier, shift, NULL, y};
    convolve(p, x, w, &end, bnnc_end_fixed);
}

void BNNC_SYM(conv2d_ib_f32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                             const int32_t *bias, const float *multiplier, uint8_t *y) {
    const bnnc_byte_end end = {bias, multiplier, NULL, NULL, y};
    convolve(p, x, w, &end, bnnc_end_float);
}

void BNNC_SYM(conv2d_ib_i32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                             const int32_t *bias, int32_t *y) {
    const bnnc_byte_end end = {bias, NULL, NULL, NULL, y};
    convolve(p, x, w, &end, bnnc_end_sums);
}

void BNNC_SYM(conv2d_ib_thr)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                             const int32_t *bias, const int32_t *thr, uint8_t *y) {
    const bnnc_byte_end end = {bias, NULL, NULL, thr, y};
    convolve(p, x, w, &end, bnnc_end_bits);
}

void BNNC_SYM(conv2d_ib_lvl)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                             const int32_t *bias, const int32_t *thr, uint8_t *y) {
    const bnnc_byte_end end = {bias, NULL, NULL, thr, y};
    convolve(p, x, w, &end, bnnc_end_levels);
}

void BNNC_SYM(conv2d_ib_dynamic_f32)(const bnnc_conv2d *p, const uint8_t *x, const float *levels,
                                     const uint8_t *w, const float *w_scale, const float *bias,
                                     float *y) {
    const bnnc_real_end real = {levels[0], w_scale, bias};
    const bnnc_byte_end end = {NULL, &real, NULL, NULL, y};
    const bnnc_conv2d own = bnnc_with_zero(p, levels);
    convolve(&own, x, w, &end, bnnc_end_real);
}

void BNNC_SYM(conv2d_ib_dynamic_i32)(const bnnc_conv2d *p, const uint8_t *x, const float *levels,
                                     const uint8_t *w, int32_t *y) {
    const bnnc_byte_end end = {NULL, NULL, NULL, NULL, y};
    const bnnc_conv2d own = bnnc_with_zero(p, levels);
    convolve(&own, x, w, &end, bnnc_end_sums);
}
