/* SPDX-License-Identifier: 0BSD */
/* Windows of bit activations, each copied to one piece: taps in the order kh, kw, as the weights
 * have them, without gaps, then zeros up to a whole number of steps.
 *
 * A copy serves all output channels, and lies in the nearest memory. It makes every layer the same
 * to what counts: any stride and dilation, any number of channels, any padding. */
#ifndef BNNC_BIT_WINDOWS_H
#define BNNC_BIT_WINDOWS_H

#include "bnnc/conv_loop.h"

#define BNNC_ROOM 8192 /* bytes: a mask and a window at least */
#define BNNC_WINDOWS 64

typedef struct {
    const bnnc_conv2d *p;
    const uint8_t *x;
    ptrdiff_t tap, next; /* bytes of a tap; of a window, rounded up to steps */
    /* What a window has to meet of each channel's row of weights: so many runs of so many bytes,
     * w_run bytes from one to the next, in a row of w_row bytes. */
    ptrdiff_t runs, run, w_first, w_run, w_row;
    ptrdiff_t unit;   /* of `at`, for each pixel of the result */
    int32_t products; /* of the taps inside the input, or of all where padding is not 0 */
    int32_t count;    /* of windows */
    uint8_t *mask; /* ones in the taps outside the input that windows have; NULL: they have none */
    uint8_t *windows;
    ptrdiff_t at[BNNC_WINDOWS]; /* where results go: units times pixels before it */
    uint8_t room[BNNC_ROOM];    /* of mask and windows */
} bnnc_windows;

/* Output pixels whose windows have the same taps inside the input. */
typedef struct {
    int32_t oy, oy_end, ox, ox_end;
    bnnc_window window; /* of the first */
} bnnc_region;

BNNC_TEMPLATE void bnnc_copy_bytes(uint8_t *to, const uint8_t *from, ptrdiff_t n) {
    if (n >= 16) { /* at last some of it once more, rather than byte for byte what is left */
        for (ptrdiff_t i = 0; i < n - 16; i += 16) {
            memcpy(to + i, from + i, 16);
        }
        memcpy(to + n - 16, from + n - 16, 16);
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
    const int32_t odd = s->p->ic % 8;
    for (int32_t t = 0; t < taps; ++t, to += s->tap) {
        memset(to, s->p->pad_value < 0 ? 0xff : 0, (size_t)s->tap);
        if (s->p->pad_value < 0 && odd != 0) {
            to[s->tap - 1] = (uint8_t)((1 << odd) - 1);
        }
    }
    return to;
}

/* Neighbouring taps of a row. */
BNNC_TEMPLATE uint8_t *bnnc_copy_taps(const bnnc_windows *s, uint8_t *to, const uint8_t *from,
                                      int32_t taps) {
    if (s->p->dilation_w == 1) {
        bnnc_copy_bytes(to, from, taps * s->tap);
        return to + taps * s->tap;
    }
    for (int32_t j = 0; j < taps; ++j, to += s->tap) {
        bnnc_copy_bytes(to, from + j * (s->p->dilation_w * s->tap), s->tap);
    }
    return to;
}

/* The taps of v inside the input, without those outside. */
BNNC_TEMPLATE void bnnc_copy_inside(const bnnc_windows *s, const uint8_t *image,
                                    const bnnc_window *v, uint8_t *to) {
    const bnnc_conv2d *p = s->p;
    const int32_t rows = v->kh_hi - v->kh_lo, taps = v->kw_hi - v->kw_lo;
    const ptrdiff_t down = (ptrdiff_t)p->dilation_h * p->iw * s->tap;
    const uint8_t *end = to + s->next;
    if (rows * taps > 0) {
        const ptrdiff_t row = (ptrdiff_t)(v->y0 + v->kh_lo * p->dilation_h) * p->iw;
        image += (row + v->x0 + v->kw_lo * p->dilation_w) * s->tap;
        for (int32_t i = 0; i < rows; ++i) {
            to = bnnc_copy_taps(s, to, image + i * down, taps);
        }
    }
    while (to < end) {
        *to++ = 0;
    }
}

BNNC_TEMPLATE void bnnc_copy_padded(const bnnc_windows *s, const uint8_t *image,
                                    const bnnc_window *v, uint8_t *to) {
    const bnnc_conv2d *p = s->p;
    const int32_t taps = v->kw_hi - v->kw_lo;
    const uint8_t *end = to + s->next;
    to = bnnc_pad_taps(s, to, v->kh_lo * p->kw);
    for (int32_t i = v->kh_lo; i < v->kh_hi; ++i) {
        to = bnnc_pad_taps(s, to, v->kw_lo);
        if (taps > 0) {
            const ptrdiff_t row = (ptrdiff_t)(v->y0 + i * p->dilation_h) * p->iw;
            const ptrdiff_t first = row + v->x0 + v->kw_lo * p->dilation_w;
            to = bnnc_copy_taps(s, to, image + first * s->tap, taps);
        }
        to = bnnc_pad_taps(s, to, p->kw - v->kw_hi);
    }
    to = bnnc_pad_taps(s, to, (p->kh - v->kh_hi) * p->kw);
    while (to < end) {
        *to++ = 0;
    }
}

/* Say what the windows that come are: those of v, with all taps or with the ones inside the input.
 * Zero padding is left out where the weights of a tap are whole steps; elsewhere its taps are +1
 * and there is a mask. */
BNNC_TEMPLATE void bnnc_set_taps(bnnc_windows *s, const bnnc_window *v) {
    const bnnc_conv2d *p = s->p;
    const int32_t taps = p->kh * p->kw;
    const int32_t rows = v->kh_hi - v->kh_lo, columns = v->kw_hi - v->kw_lo;
    const int inside = p->pad_value == 0 && rows * columns < taps;
    s->products = (inside ? rows * columns : taps) * p->ic;
    s->runs = 1;
    s->run = s->next = s->w_row;
    s->w_first = s->w_run = 0;
    s->mask = NULL;
    s->windows = s->room;
    if (inside && s->tap % 16 == 0) {
        const int whole = columns == p->kw;
        s->next = rows * columns * s->tap;
        s->runs = s->next == 0 ? 0 : whole ? 1 : rows;
        s->run = (whole ? rows : 1) * columns * s->tap;
        s->w_first = (v->kh_lo * p->kw + v->kw_lo) * s->tap;
        s->w_run = p->kw * s->tap;
    } else if (inside) {
        s->mask = s->room;
        s->windows = s->room + s->next;
        memset(s->mask, 0, (size_t)s->next);
        for (int32_t i = 0; i < p->kh; ++i) {
            for (int32_t j = 0; j < p->kw; ++j) {
                if (!bnnc_tap_inside(v, i, j)) {
                    memset(s->mask + (i * p->kw + j) * s->tap, 0xff, (size_t)s->tap);
                }
            }
        }
    }
}

/* What is done with windows; all have the same taps outside the input. */
typedef void (*bnnc_use_windows)(const bnnc_windows *s, const void *context);

BNNC_TEMPLATE void bnnc_use_region(bnnc_windows *s, const bnnc_region *r, bnnc_use_windows use,
                                   const void *context) {
    const bnnc_conv2d *p = s->p;
    const ptrdiff_t room = s->room + BNNC_ROOM - s->windows;
    const ptrdiff_t fit = s->next == 0 ? BNNC_WINDOWS : room / s->next;
    const int32_t most = fit < 4              ? (int32_t)fit
                         : fit < BNNC_WINDOWS ? (int32_t)fit / 4 * 4
                                              : BNNC_WINDOWS;
    bnnc_window v = r->window;
    s->count = 0;
    for (int32_t n = 0; n < p->n; ++n) {
        const uint8_t *image = s->x + n * ((ptrdiff_t)p->ih * p->iw * s->tap);
        for (int32_t oy = r->oy; oy < r->oy_end; ++oy) {
            const ptrdiff_t row = ((ptrdiff_t)n * p->oh + oy) * p->ow;
            for (int32_t ox = r->ox; ox < r->ox_end; ++ox) {
                uint8_t *to = s->windows + s->count * s->next;
                s->at[s->count] = (row + ox) * s->unit;
                v.y0 = oy * p->stride_h - p->pad_top;
                v.x0 = ox * p->stride_w - p->pad_left;
                if (p->pad_value != 0) {
                    v = bnnc_window_at(p, oy, ox);
                    bnnc_copy_padded(s, image, &v, to);
                } else if (s->mask != NULL) {
                    bnnc_copy_padded(s, image, &v, to);
                } else {
                    bnnc_copy_inside(s, image, &v, to);
                }
                if (++s->count == most) {
                    use(s, context);
                    s->count = 0;
                }
            }
        }
    }
    if (s->count > 0) {
        use(s, context);
    }
}

/* Whether the windows of two pixels have the same taps inside; all have for padding with +-1,
 * which is copied like any other tap. */
BNNC_TEMPLATE int bnnc_same_taps(const bnnc_conv2d *p, const bnnc_window *a, const bnnc_window *b) {
    return p->pad_value != 0 || (a->kh_lo == b->kh_lo && a->kh_hi == b->kh_hi &&
                                 a->kw_lo == b->kw_lo && a->kw_hi == b->kw_hi);
}

/* All windows of a layer, in groups whose taps inside the input are the same. */
BNNC_TEMPLATE void bnnc_each_window(const bnnc_conv2d *p, const uint8_t *x, ptrdiff_t unit,
                                    bnnc_use_windows use, const void *context) {
    bnnc_windows all, *s = &all; /* not filled: there is much room */
    s->p = p;
    s->x = x;
    s->tap = bnnc_bit_bytes(p->ic);
    s->w_row = (p->kh * p->kw * s->tap + 15) / 16 * 16;
    s->unit = unit;
    bnnc_region r;
    for (r.oy = 0; r.oy < p->oh; r.oy = r.oy_end) {
        const bnnc_window top = bnnc_window_at(p, r.oy, 0);
        for (r.oy_end = r.oy + 1; r.oy_end < p->oh; ++r.oy_end) {
            const bnnc_window v = bnnc_window_at(p, r.oy_end, 0);
            if (!bnnc_same_taps(p, &top, &v)) {
                break;
            }
        }
        for (r.ox = 0; r.ox < p->ow; r.ox = r.ox_end) {
            r.window = bnnc_window_at(p, r.oy, r.ox);
            for (r.ox_end = r.ox + 1; r.ox_end < p->ow; ++r.ox_end) {
                const bnnc_window v = bnnc_window_at(p, r.oy, r.ox_end);
                if (!bnnc_same_taps(p, &r.window, &v)) {
                    break;
                }
            }
            bnnc_set_taps(s, &r.window);
            bnnc_use_region(s, &r, use, context);
        }
    }
}

#endif
