/* SPDX-License-Identifier: 0BSD */
/* Windows of bit activations, each copied to one piece: taps in the order kh, kw, as the weights
 * have them, without gaps, then zeros up to a whole number of steps.
 *
 * A copy serves all output channels, and lies in the nearest memory. It makes every layer the same
 * to what counts: any stride and dilation, any number of channels, any padding. Windows of one
 * pixel each, which follow each other in the input, are left there. */
#ifndef BNNC_WINDOW_COPIES_H
#define BNNC_WINDOW_COPIES_H

#include "bnnc/conv_loop.h"

#define BNNC_ROOM 8192 /* bytes: a mask and a window, with all planes, at least */
#define BNNC_WINDOWS 64

typedef struct {
    const bnnc_conv2d *p;
    const uint8_t *x; /* of a group */
    int32_t group, channels;
    ptrdiff_t pixel, tap; /* bytes of a pixel, and of those of its channels that are the group's */
    /* Levels have as many planes as bits, others one: x_plane bytes from one to the next in x, and
     * w_plane bytes in a window. A window is `next` bytes from the one before. */
    int32_t planes;
    ptrdiff_t x_plane, w_plane, next, size; /* size: of a plane of a window, whole steps */
    int fill;                               /* padding has bits, like any other tap */
    int pad_ones;                           /* they are ones */
    /* What a window has to meet of each channel's row of weights: so many runs of so many steps of
     * 16 bytes, w_run bytes from one to the next, and perhaps half a step more, in a row of w_row
     * bytes. */
    ptrdiff_t runs, steps, w_first, w_run, w_row;
    int half;
    ptrdiff_t unit;   /* of `at`, for each pixel of the result */
    int32_t products; /* of the taps inside the input, or of all where padding is not 0 */
    int32_t count;    /* of windows */
    /* Bits: ones in the taps outside the input that windows have; NULL: they have none. Levels: all
     * ones. */
    uint8_t *mask;
    uint8_t *copies;            /* where windows are copied to */
    const uint8_t *windows;     /* these copies, or the input */
    ptrdiff_t at[BNNC_WINDOWS]; /* where results go: units times pixels before it */
    uint8_t room[BNNC_ROOM];    /* of mask and windows */
} bnnc_windows;

/* Sixteen bytes and more: at last some of them once more, rather than byte for byte what is left.
 */
BNNC_TEMPLATE void bnnc_copy_vectors(uint8_t *to, const uint8_t *from, ptrdiff_t n) {
    for (ptrdiff_t i = 0; i < n - 16; i += 16) {
        memcpy(to + i, from + i, 16);
    }
    memcpy(to + n - 16, from + n - 16, 16);
}

/* 16 to 32 bytes. */
BNNC_TEMPLATE void bnnc_copy_two(uint8_t *to, const uint8_t *from, ptrdiff_t n) {
    memcpy(to, from, 16);
    memcpy(to + n - 16, from + n - 16, 16);
}

BNNC_TEMPLATE void bnnc_copy_bytes(uint8_t *to, const uint8_t *from, ptrdiff_t n) {
    if (n >= 16) {
        bnnc_copy_vectors(to, from, n);
    } else if (n >= 8) {
        memcpy(to, from, 8);
        memcpy(to + n - 8, from + n - 8, 8);
    } else {
        for (ptrdiff_t i = 0; i < n; ++i) {
            to[i] = from[i];
        }
    }
}

/* Taps of the pad value; 0 is made +1, for the counts to be set right. */
BNNC_TEMPLATE uint8_t *bnnc_pad_taps(const bnnc_windows *s, uint8_t *to, int32_t taps) {
    const int32_t odd = s->channels % 8;
    for (int32_t t = 0; t < taps; ++t, to += s->tap) {
        memset(to, s->pad_ones ? 0xff : 0, (size_t)s->tap);
        if (s->pad_ones && odd != 0) {
            to[s->tap - 1] = (uint8_t)((1 << odd) - 1);
        }
    }
    return to;
}

/* Whether neighbouring taps of a row are neighbours in x. */
BNNC_TEMPLATE int bnnc_whole_rows(const bnnc_windows *s) {
    return s->p->dilation_w == 1 && s->pixel == s->tap;
}

/* Neighbouring taps of a row. */
BNNC_TEMPLATE uint8_t *bnnc_copy_taps(const bnnc_windows *s, uint8_t *to, const uint8_t *from,
                                      int32_t taps) {
    if (bnnc_whole_rows(s)) {
        bnnc_copy_bytes(to, from, taps * s->tap);
        return to + taps * s->tap;
    }
    for (int32_t j = 0; j < taps; ++j, to += s->tap) {
        bnnc_copy_bytes(to, from + j * (s->p->dilation_w * s->pixel), s->tap);
    }
    return to;
}

/* Zeros in the last step, behind the last tap. */
BNNC_TEMPLATE void bnnc_clear_end(uint8_t *to, ptrdiff_t size) { memset(to + size - 16, 0, 16); }

/* Windows side by side with the same taps inside the input, the first of which is v: these taps,
 * without those outside, one window after the other at `to`. */
typedef struct {
    const bnnc_windows *s;
    const uint8_t *image;
    bnnc_window v;
    uint8_t *to;
    int32_t count;
} bnnc_window_row;

typedef void (*bnnc_copier)(uint8_t *to, const uint8_t *from, ptrdiff_t n);

/* Runs of n bytes of the input, each by `copy`. */
BNNC_TEMPLATE void bnnc_copy_runs(const bnnc_window_row *r, ptrdiff_t n, bnnc_copier copy) {
    const bnnc_windows *s = r->s;
    const bnnc_conv2d *p = s->p;
    const bnnc_window *v = &r->v;
    const int32_t rows = v->kh_hi - v->kh_lo, runs = bnnc_whole_rows(s) ? 1 : v->kw_hi - v->kw_lo;
    const ptrdiff_t line = p->iw * s->pixel, next = s->next, step = p->stride_w * s->pixel;
    const ptrdiff_t down = p->dilation_h * line, across = p->dilation_w * s->pixel;
    const uint8_t *from = r->image + (v->y0 + v->kh_lo * p->dilation_h) * line;
    uint8_t *window = r->to;
    from += (v->x0 + v->kw_lo * p->dilation_w) * s->pixel;
    for (int32_t left = r->count; left > 0; --left, window += next, from += step) {
        const uint8_t *row = from;
        uint8_t *to = window;
        bnnc_clear_end(window, s->size);
        for (int32_t i = 0; i < rows; ++i, row += down) {
            for (int32_t j = 0; j < runs; ++j, to += n) {
                copy(to, row + j * across, n);
            }
        }
    }
}

BNNC_NOINLINE void bnnc_copy_inside(const bnnc_window_row *r) {
    const int32_t columns = r->v.kw_hi - r->v.kw_lo;
    const ptrdiff_t n = bnnc_whole_rows(r->s) ? columns * r->s->tap : r->s->tap;
    if (columns == 0 || r->v.kh_hi == r->v.kh_lo) {
        return;
    } else if (n >= 16 && n <= 32) {
        bnnc_copy_runs(r, n, bnnc_copy_two);
    } else if (n > 32) {
        bnnc_copy_runs(r, n, bnnc_copy_vectors);
    } else {
        bnnc_copy_runs(r, n, bnnc_copy_bytes);
    }
}

/* One window with its taps outside the input. */
BNNC_NOINLINE void bnnc_copy_padded(const bnnc_windows *s, const uint8_t *image,
                                    const bnnc_window *v, uint8_t *to) {
    const bnnc_conv2d *p = s->p;
    const int32_t taps = v->kw_hi - v->kw_lo;
    bnnc_clear_end(to, s->size);
    to = bnnc_pad_taps(s, to, v->kh_lo * p->kw);
    for (int32_t i = v->kh_lo; i < v->kh_hi; ++i) {
        to = bnnc_pad_taps(s, to, v->kw_lo);
        if (taps > 0) {
            const ptrdiff_t row = (ptrdiff_t)(v->y0 + i * p->dilation_h) * p->iw;
            const ptrdiff_t first = row + v->x0 + v->kw_lo * p->dilation_w;
            to = bnnc_copy_taps(s, to, image + first * s->pixel, taps);
        }
        to = bnnc_pad_taps(s, to, p->kw - v->kw_hi);
    }
    bnnc_pad_taps(s, to, (p->kh - v->kh_hi) * p->kw);
}

#endif
