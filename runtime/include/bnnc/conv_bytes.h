/* SPDX-License-Identifier: 0BSD */
/* The loops around convolutions of quantized bytes: four output pixels and 32 channels at a time.
 *
 * The windows of the pixels are gathered piece by piece as differences x - x_zero of 16 bits, in
 * the order of the weights. Taps outside of the input are 0: padding is the zero point. What is
 * left are products of rows of numbers, whatever stride, dilation, pad and groups are; and a
 * weight that was loaded meets four pixels. Pixels are numbered through all samples, so that a
 * dense layer of a batch has blocks of four, too. */
#ifndef BNNC_CONV_BYTES_H
#define BNNC_CONV_BYTES_H

#include "bnnc/byte_ends.h"

#define BNNC_BYTE_PIXELS 4
#define BNNC_BYTE_CHANNELS 32
#define BNNC_BYTE_PIECE 384 /* numbers; a multiple of 8 */

typedef struct {
    const bnnc_conv2d *p;
    const uint8_t *x;
    int32_t width; /* numbers per tap: channels of a group, and zeros up to what weights hold */
    int32_t pixels;
    bnnc_window window[BNNC_BYTE_PIXELS];
    const uint8_t *image[BNNC_BYTE_PIXELS];
    int16_t piece[BNNC_BYTE_PIXELS * BNNC_BYTE_PIECE];  /* of one pixel after the other */
    int32_t sum[BNNC_BYTE_PIXELS * BNNC_BYTE_CHANNELS]; /* likewise */
} bnnc_byte_block;

BNNC_TEMPLATE const int16_t *bnnc_piece(const bnnc_byte_block *b, int32_t q) {
    return b->piece + q * BNNC_BYTE_PIECE;
}

/* Add to the sums of a channel for four pixels. */
BNNC_TEMPLATE void bnnc_add_four(bnnc_byte_block *b, int32_t lane, int32_t s0, int32_t s1,
                                 int32_t s2, int32_t s3) {
    int32_t *sum = b->sum + lane;
    sum[0] += s0;
    sum[BNNC_BYTE_CHANNELS] += s1;
    sum[2 * BNNC_BYTE_CHANNELS] += s2;
    sum[3 * BNNC_BYTE_CHANNELS] += s3;
}

/* Products of n numbers of b->piece with the weights of channels lane .. lane + lanes - 1 of the
 * block, added to b->sum. w is where the first of them begin, and row the bytes to the next. */
typedef void (*bnnc_multiply_bytes)(bnnc_byte_block *b, int32_t lane, int32_t lanes,
                                    const uint8_t *w, ptrdiff_t row, int32_t n);

BNNC_TEMPLATE void bnnc_centre(int16_t *y, const uint8_t *x, int32_t n, const bnnc_conv2d *p) {
    /* A byte without sign is one with sign, 128 higher. */
    const uint8_t turned = p->x_unsigned ? 0x80 : 0;
    const int32_t zero = p->x_zero - turned;
    for (int32_t c = 0; c < n; ++c) {
        y[c] = (int16_t)((int8_t)(x[c] ^ turned) - zero);
    }
}

/* Numbers first .. first + n - 1 of the window of pixel q in a group. */
BNNC_NOINLINE void bnnc_gather_window(bnnc_byte_block *b, int32_t q, int32_t group, int32_t first,
                                      int32_t n) {
    const bnnc_conv2d *p = b->p;
    const bnnc_window *v = &b->window[q];
    const int32_t channels = p->ic / p->groups;
    /* A row of taps lies together in the input as it does in the window. */
    const int whole = p->dilation_w == 1 && p->groups == 1 && b->width == p->ic;
    int32_t i = first / b->width / p->kw, j = first / b->width % p->kw, c = first % b->width;
    int16_t *y = b->piece + q * BNNC_BYTE_PIECE;
    while (n > 0) {
        int32_t count = b->width - c < n ? b->width - c : n, known = 0;
        if (bnnc_tap_inside(v, i, j)) {
            const ptrdiff_t row = v->y0 + i * p->dilation_h, column = v->x0 + j * p->dilation_w;
            if (whole) {
                const int32_t together = (v->kw_hi - j) * p->ic - c;
                count = together < n ? together : n;
            }
            known = whole || count <= channels - c ? count : channels - c;
            bnnc_centre(y, b->image[q] + (row * p->iw + column) * p->ic + group * channels + c,
                        known, p);
        }
        memset(y + known, 0, (size_t)(count - known) * sizeof *y);
        y += count;
        n -= count;
        c += count;
        for (; c >= b->width; c -= b->width) {
            ++j;
        }
        if (j >= p->kw) {
            j = 0;
            ++i;
        }
    }
}

/* Use the sums of up to 32 channels of a pixel. */
BNNC_TEMPLATE void bnnc_end_pixel(const bnnc_conv2d *p, const bnnc_byte_end *end, ptrdiff_t pixel,
                                  int32_t oc, int32_t count, const int32_t *sum,
                                  bnnc_finish_bytes finish) {
    for (int32_t l = 0; l < count; l += BNNC_LANES) {
        finish(p, end, pixel, oc + l, count - l < BNNC_LANES ? count - l : BNNC_LANES, sum + l);
    }
}

/* The sums of channels oc .. oc + count - 1 for the block's pixels; weights have `bits` bits. */
BNNC_TEMPLATE void bnnc_sum_bytes(bnnc_byte_block *b, const uint8_t *w, int32_t bits, int32_t oc,
                                  int32_t count, bnnc_multiply_bytes multiply) {
    const bnnc_conv2d *p = b->p;
    const int32_t per_group = p->oc / p->groups, taps = p->kh * p->kw * b->width;
    const ptrdiff_t row = (ptrdiff_t)taps / 8 * bits + taps % 8 * bits / 8;
    memset(b->sum, 0, sizeof b->sum);
    for (int32_t lane = 0, lanes; lane < count; lane += lanes) {
        const int32_t group = (oc + lane) / per_group, end = (group + 1) * per_group - oc;
        lanes = (end < count ? end : count) - lane;
        for (int32_t first = 0; first < taps; first += BNNC_BYTE_PIECE) {
            const int32_t left = taps - first, n = left < BNNC_BYTE_PIECE ? left : BNNC_BYTE_PIECE;
            for (int32_t q = 0; q < b->pixels; ++q) {
                bnnc_gather_window(b, q, group, first, n);
            }
            multiply(b, lane, lanes, w + (oc + lane) * row + first / 8 * bits, row, n);
        }
    }
}

/* Products of a tap, added to the sums of channels. */
BNNC_TEMPLATE void bnnc_add_products(int32_t *sum, const uint8_t *x, const int16_t *w, int32_t n,
                                     const bnnc_conv2d *p) {
    const uint8_t turned = p->x_unsigned ? 0x80 : 0;
    const int32_t zero = p->x_zero - turned;
    for (int32_t l = 0; l < n; ++l) {
        sum[l] += (int16_t)((int8_t)(x[l] ^ turned) - zero) * w[l];
    }
}

/* A convolution of each channel by itself: the weights of up to 32 channels are laid tap by tap
 * beside each other in b->piece; a tap has a byte of weights where they are bits. */
BNNC_TEMPLATE void bnnc_depthwise_bytes(bnnc_byte_block *b, const void *w, int32_t bits,
                                        const bnnc_byte_end *end, bnnc_finish_bytes finish) {
    const bnnc_conv2d *p = b->p;
    const int32_t taps = p->kh * p->kw;
    for (int32_t oc = 0, count; oc < p->oc; oc += count) {
        ptrdiff_t pixel = 0;
        count = p->oc - oc < BNNC_BYTE_CHANNELS ? p->oc - oc : BNNC_BYTE_CHANNELS;
        for (int32_t l = 0; l < count; ++l) {
            for (int32_t t = 0; t < taps; ++t) {
                const ptrdiff_t at = (ptrdiff_t)(oc + l) * taps + t;
                b->piece[t * BNNC_BYTE_CHANNELS + l] =
                    bits == 16  ? ((const int16_t *)w)[at]
                    : bits == 8 ? ((const int8_t *)w)[at]
                                : (int16_t)(1 - 2 * (((const uint8_t *)w)[at] & 1));
            }
        }
        for (int32_t n = 0; n < p->n; ++n) {
            const uint8_t *image = b->x + (ptrdiff_t)n * p->ih * p->iw * p->ic + oc;
            for (int32_t at = 0; at < p->oh * p->ow; ++at, ++pixel) {
                const bnnc_window v = bnnc_window_at(p, at / p->ow, at % p->ow);
                memset(b->sum, 0, sizeof b->sum);
                for (int32_t i = v.kh_lo; i < v.kh_hi; ++i) {
                    const ptrdiff_t row = (ptrdiff_t)(v.y0 + i * p->dilation_h) * p->iw + v.x0;
                    for (int32_t j = v.kw_lo; j < v.kw_hi; ++j) {
                        const uint8_t *x = image + (row + j * p->dilation_w) * p->ic;
                        const int16_t *s = b->piece + (i * p->kw + j) * BNNC_BYTE_CHANNELS;
                        if (count == BNNC_BYTE_CHANNELS) { /* a constant */
                            bnnc_add_products(b->sum, x, s, BNNC_BYTE_CHANNELS, p);
                        } else {
                            bnnc_add_products(b->sum, x, s, count, p);
                        }
                    }
                }
                bnnc_end_pixel(p, end, pixel, oc, count, b->sum, finish);
            }
        }
    }
}

/* 32 channels go over all pixels before the next do: weights are what is largest. */
BNNC_TEMPLATE void bnnc_conv2d_bytes(const bnnc_conv2d *p, const uint8_t *x, const void *w,
                                     int32_t bits, int32_t width, const bnnc_byte_end *end,
                                     bnnc_multiply_bytes multiply, bnnc_finish_bytes finish) {
    const int32_t image = p->oh * p->ow, all = p->n * image;
    bnnc_byte_block b;
    b.p = p;
    b.x = x;
    b.width = width;
    memset(b.piece, 0, sizeof b.piece);
    if (p->groups == p->ic && p->groups == p->oc &&
        p->kh * p->kw <= BNNC_BYTE_PIXELS * BNNC_BYTE_PIECE / BNNC_BYTE_CHANNELS) {
        bnnc_depthwise_bytes(&b, w, bits, end, finish);
        return;
    }
    for (int32_t oc = 0; oc < p->oc; oc += BNNC_BYTE_CHANNELS) {
        const int32_t left = p->oc - oc;
        const int32_t count = left < BNNC_BYTE_CHANNELS ? left : BNNC_BYTE_CHANNELS;
        for (int32_t pixel = 0; pixel < all; pixel += BNNC_BYTE_PIXELS) {
            b.pixels = all - pixel < BNNC_BYTE_PIXELS ? all - pixel : BNNC_BYTE_PIXELS;
            for (int32_t q = 0; q < b.pixels; ++q) {
                const int32_t n = (pixel + q) / image, at = (pixel + q) % image;
                b.image[q] = x + (ptrdiff_t)n * p->ih * p->iw * p->ic;
                b.window[q] = bnnc_window_at(p, at / p->ow, at % p->ow);
            }
            bnnc_sum_bytes(&b, (const uint8_t *)w, bits, oc, count, multiply);
            for (int32_t q = 0; q < b.pixels; ++q) {
                bnnc_end_pixel(p, end, pixel + q, oc, count, b.sum + q * BNNC_BYTE_CHANNELS,
                               finish);
            }
        }
    }
}

#endif
