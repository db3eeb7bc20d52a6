/* SPDX-License-Identifier: 0BSD */
/* Windows of quantized bytes, each in one piece: taps in the order kh, kw, as the weights
 * have them, without gaps, then zeros up to a whole number of steps of 16.
 *
 * They have signs or not, as it is wanted: a byte of the other kind is turned to it, 128 lower or
 * higher, as its zero point is. Taps outside of the input are the zero point, so that all windows
 * lack the same: zero times the sum of the weights. Windows that lie in the input as they are
 * wanted are not copied. */
#ifndef BNNC_NEON_BYTE_WINDOWS_H
#define BNNC_NEON_BYTE_WINDOWS_H

#include "bnnc/conv_loop.h"
#include "bnnc/neon.h"

#define BNNC_BYTE_ROOM 36864 /* bytes of windows at most */
#define BNNC_BYTE_NEAR 16384 /* and where more than one block fits into the nearest memory */

/* block: windows that are taken at once; near: bytes of more windows than that. */
typedef struct {
    int32_t block;
    int32_t near;
    int without_sign;
} bnnc_byte_wish;

/* Of a group, one pixel after the other, numbered through all samples. */
typedef struct {
    const bnnc_conv2d *p;
    const uint8_t *x;
    int32_t channels, group; /* of a group; its number */
    ptrdiff_t row;           /* bytes of a window in whole steps */
    ptrdiff_t first, count;
    const int8_t *windows; /* `next` bytes apart */
    ptrdiff_t next;
    uint8_t turn;
    int32_t zero; /* of the bytes of windows, as pad is */
    uint8_t pad;
    int8_t room[BNNC_BYTE_ROOM];
} bnnc_byte_windows;

/* Sixteen bytes and more: at last some of them once more, rather than byte for byte what is left.
 */
BNNC_TEMPLATE void bnnc_copy_vectors_turned(uint8_t *to, const uint8_t *from, ptrdiff_t n,
                                            uint8_t turn, ptrdiff_t vectors) {
    const uint8x16_t t = vdupq_n_u8(turn);
    const uint8x16_t last = veorq_u8(vld1q_u8(from + n - 16), t);
    for (ptrdiff_t i = 0; i < vectors - 1; ++i) {
        vst1q_u8(to + 16 * i, veorq_u8(vld1q_u8(from + 16 * i), t));
    }
    vst1q_u8(to + n - 16, last);
}

BNNC_TEMPLATE void bnnc_copy_turned(uint8_t *to, const uint8_t *from, ptrdiff_t n, uint8_t turn) {
    if (n >= 16) {
        bnnc_copy_vectors_turned(to, from, n, turn, (n + 15) / 16);
    } else if (n >= 8) {
        const uint8x8_t t = vdup_n_u8(turn);
        vst1_u8(to, veor_u8(vld1_u8(from), t));
        vst1_u8(to + n - 8, veor_u8(vld1_u8(from + n - 8), t));
    } else {
        for (ptrdiff_t i = 0; i < n; ++i) {
            to[i] = from[i] ^ turn;
        }
    }
}

/* So many taps outside of the input. */
BNNC_TEMPLATE uint8_t *bnnc_pad_bytes(const bnnc_byte_windows *s, uint8_t *to, int32_t taps) {
    const ptrdiff_t n = (ptrdiff_t)taps * s->channels;
    if (n > 0) {
        memset(to, s->pad, (size_t)n);
    }
    return to + n;
}

BNNC_TEMPLATE uint8_t *bnnc_copy_taps_turned(const bnnc_byte_windows *s, uint8_t *to,
                                             const uint8_t *from, int32_t taps) {
    const bnnc_conv2d *p = s->p;
    if (p->dilation_w == 1 && p->groups == 1) {
        const ptrdiff_t run = (ptrdiff_t)taps * p->ic;
        bnnc_copy_turned(to, from, run, s->turn);
        return to + run;
    }
    for (int32_t j = 0; j < taps; ++j, to += s->channels) {
        bnnc_copy_turned(to, from + (ptrdiff_t)j * p->dilation_w * p->ic, s->channels, s->turn);
    }
    return to;
}

/* The window v of an image. */
BNNC_TEMPLATE void bnnc_copy_window(const bnnc_byte_windows *s, const uint8_t *image,
                                    const bnnc_window *v, uint8_t *to) {
    const bnnc_conv2d *p = s->p;
    const uint8_t *end = to + s->row;
    const int32_t taps = v->kw_hi - v->kw_lo;
    const ptrdiff_t down = (ptrdiff_t)p->dilation_h * p->iw * p->ic;
    to = bnnc_pad_bytes(s, to, v->kh_lo * p->kw);
    for (int32_t i = v->kh_lo; i < v->kh_hi; ++i) {
        to = bnnc_pad_bytes(s, to, v->kw_lo);
        if (taps > 0) {
            const ptrdiff_t pixel = (ptrdiff_t)v->y0 * p->iw + v->x0 + v->kw_lo * p->dilation_w;
            to = bnnc_copy_taps_turned(s, to, image + pixel * p->ic + i * down, taps);
        }
        to = bnnc_pad_bytes(s, to, p->kw - v->kw_hi);
    }
    to = bnnc_pad_bytes(s, to, (p->kh - v->kh_hi) * p->kw);
    if (to < end) {
        memset(to, 0, (size_t)(end - to));
    }
}

/* Rows of taps of which each is one run, of so many vectors, a constant. */
BNNC_TEMPLATE void bnnc_copy_runs_turned(const bnnc_byte_windows *s, uint8_t *to,
                                         const uint8_t *from, ptrdiff_t down, ptrdiff_t vectors) {
    const ptrdiff_t n = (ptrdiff_t)s->p->kw * s->p->ic;
    for (int32_t i = s->p->kh; i > 0; --i, from += down, to += n) {
        bnnc_copy_vectors_turned(to, from, n, s->turn, vectors);
    }
}

/* A window without taps outside of the input begins at `from`. */
BNNC_TEMPLATE void bnnc_copy_whole(const bnnc_byte_windows *s, const uint8_t *from, uint8_t *to) {
    const bnnc_conv2d *p = s->p;
    uint8_t *end = to + s->row;
    const ptrdiff_t down = (ptrdiff_t)p->dilation_h * p->iw * p->ic;
    const ptrdiff_t run = p->dilation_w == 1 && p->groups == 1 ? (ptrdiff_t)p->kw * p->ic : 0;
    vst1q_u8(end - 16, vdupq_n_u8(0)); /* behind the last tap, which is not always there */
    if (run > 16 && run <= 32) {
        bnnc_copy_runs_turned(s, to, from, down, 2);
    } else if (run > 32 && run <= 48) {
        bnnc_copy_runs_turned(s, to, from, down, 3);
    } else {
        for (int32_t i = 0; i < p->kh; ++i, from += down) {
            to = bnnc_copy_taps_turned(s, to, from, p->kw);
        }
    }
}

BNNC_NOINLINE void bnnc_copy_windows(bnnc_byte_windows *s) {
    const bnnc_conv2d *p = s->p;
    const ptrdiff_t image = (ptrdiff_t)p->ih * p->iw * p->ic, pixels = (ptrdiff_t)p->oh * p->ow;
    const int32_t at = (int32_t)(s->first % pixels);
    const int32_t wide = (p->kw - 1) * p->dilation_w, high = (p->kh - 1) * p->dilation_h;
    const uint8_t *x = s->x + s->first / pixels * image + (ptrdiff_t)s->group * s->channels;
    uint8_t *to = (uint8_t *)s->room;
    int32_t oy = at / p->ow, ox = at % p->ow;
    for (ptrdiff_t q = 0; q < s->count; ++q, to += s->row) {
        const int32_t y0 = oy * p->stride_h - p->pad_top, x0 = ox * p->stride_w - p->pad_left;
        if (y0 >= 0 && x0 >= 0 && y0 + high < p->ih && x0 + wide < p->iw) {
            bnnc_copy_whole(s, x + ((ptrdiff_t)y0 * p->iw + x0) * p->ic, to);
        } else {
            const bnnc_window v = bnnc_window_at(p, oy, ox);
            bnnc_copy_window(s, x, &v, to);
        }
        if (++ox == p->ow) {
            ox = 0;
            if (++oy == p->oh) {
                oy = 0;
                x += image;
            }
        }
    }
}

/* What is done with windows. */
typedef void (*bnnc_use_byte_windows)(const bnnc_byte_windows *s, const void *context);

/* All windows of a layer in lots that fit into the room: multiples of the block, but for the last
 * of a group and where the room does not hold that many. */
BNNC_TEMPLATE void bnnc_each_byte_window(const bnnc_conv2d *p, const uint8_t *x,
                                         bnnc_byte_wish wish, bnnc_use_byte_windows use,
                                         const void *context) {
    bnnc_byte_windows all, *s = &all; /* not filled: there is much room */
    s->p = p;
    s->x = x;
    s->channels = p->ic / p->groups;
    s->row = ((ptrdiff_t)p->kh * p->kw * s->channels + 15) / 16 * 16;
    s->turn = !p->x_unsigned != !wish.without_sign ? 0x80 : 0;
    s->zero = p->x_zero + (s->turn == 0 ? 0 : p->x_unsigned ? -128 : 128);
    s->pad = (uint8_t)s->zero;
    const int direct = p->kh * p->kw == 1 && p->stride_h == 1 && p->stride_w == 1 &&
                       p->oh == p->ih && p->ow == p->iw && s->channels % 16 == 0 && s->turn == 0;
    const ptrdiff_t block = wish.block, blocks = wish.near / s->row / block;
    const ptrdiff_t fit = BNNC_BYTE_ROOM / s->row;
    const ptrdiff_t most = blocks > 0 ? blocks * block : direct || fit > block ? block : fit;
    const ptrdiff_t pixels = (ptrdiff_t)p->n * p->oh * p->ow;
    for (s->group = 0; s->group < p->groups; ++s->group) {
        for (s->first = 0; s->first < pixels; s->first += s->count) {
            s->count = pixels - s->first < most ? pixels - s->first : most;
            if (direct) {
                s->windows = (const int8_t *)x + s->first * p->ic + s->group * s->channels;
                s->next = p->ic;
            } else {
                bnnc_copy_windows(s);
                s->windows = s->room;
                s->next = s->row;
            }
            use(s, context);
        }
    }
}

#endif
