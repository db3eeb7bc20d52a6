/* SPDX-License-Identifier: 0BSD */
/* Convolution of bit activations whose channel groups do not begin at byte borders: bit by bit. */
#include "bnnc/conv_loop.h"
#include "bnnc/kernels.h"

BNNC_TEMPLATE int32_t bit_at(const uint8_t *bits, ptrdiff_t i) {
    return bits[i / 8] >> (i % 8) & 1;
}

/* S = sum of x * w, x = z = pad_value in padded taps. A NULL mask stands for all ones. */
BNNC_TEMPLATE int32_t sum_of_bits(const bnnc_block *b, const uint8_t *sign, const uint8_t *mask) {
    const bnnc_conv2d *p = b->p;
    const int32_t channels = p->ic / p->groups;
    const int32_t pad = (p->pad_value > 0) - (p->pad_value < 0);
    ptrdiff_t tap = (ptrdiff_t)b->oc * p->kh * p->kw * bnnc_bit_bytes(channels);
    int32_t sum = 0;
    for (int32_t i = 0; i < p->kh; ++i) {
        for (int32_t j = 0; j < p->kw; ++j, tap += bnnc_bit_bytes(channels)) {
            const int inside = bnnc_tap_inside(&b->window, i, j);
            const uint8_t *pixel = (const uint8_t *)b->image;
            if (inside) {
                pixel += bnnc_tap_pixel(b, i, j) * bnnc_bit_bytes(p->ic);
            }
            for (int32_t c = 0; c < channels; ++c) {
                const ptrdiff_t at = (ptrdiff_t)b->group * channels + c;
                const int32_t x = inside ? 1 - 2 * bit_at(pixel, at) : pad;
                const int32_t w = 1 - 2 * bit_at(sign + tap, c);
                if (mask == NULL || bit_at(mask + tap, c)) {
                    sum += x * w;
                }
            }
        }
    }
    return sum;
}

/* Groups make blocks of one lane; the loop serves groups == 1, which other kernels do better. */
BNNC_TEMPLATE void accumulate_lanes(const bnnc_block *b, const uint8_t *mask, int32_t lanes,
                                    bnnc_accumulators *acc) {
    bnnc_block one = *b;
    for (int32_t l = 0; l < lanes; ++l) {
        one.oc = b->oc + l;
        acc->i[b->lane + l] = sum_of_bits(&one, (const uint8_t *)b->w, mask);
    }
}

BNNC_TEMPLATE void binary(const bnnc_block *b, int32_t lanes, bnnc_accumulators *acc) {
    accumulate_lanes(b, NULL, lanes, acc);
}

BNNC_TEMPLATE void ternary(const bnnc_block *b, int32_t lanes, bnnc_accumulators *acc) {
    accumulate_lanes(b, (const uint8_t *)b->w + bnnc_plane_bytes(b->p), lanes, acc);
}

void BNNC_SYM(conv2d_bb_bits_f32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const float *alpha, const float *bias, float *y) {
    bnnc_conv2d_scaled(p, x, bnnc_bit_image_bytes(p), w, alpha, bias, y, binary, 1);
}

void BNNC_SYM(conv2d_bb_bits_thr)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *thr, uint8_t *y) {
    bnnc_conv2d_cut(p, x, bnnc_bit_image_bytes(p), w, thr, y, binary, 1);
}

void BNNC_SYM(conv2d_bt_bits_f32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const float *alpha, const float *bias, float *y) {
    bnnc_conv2d_scaled(p, x, bnnc_bit_image_bytes(p), w, alpha, bias, y, ternary, 1);
}

void BNNC_SYM(conv2d_bt_bits_thr)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *thr, uint8_t *y) {
    bnnc_conv2d_cut(p, x, bnnc_bit_image_bytes(p), w, thr, y, ternary, 1);
}
