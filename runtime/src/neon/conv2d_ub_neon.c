/* SPDX-License-Identifier: 0BSD */
/* Convolution and dense layers: level activations in planes, bit weights as in conv2d_bb_neon.c,
 * groups == 1 or of whole bytes of channels on both sides; 64-bit ARM.
 *
 * With D_j differences of plane j from the weights and D ones among the weights, the differences of
 * a plane of zeros, S = sum of 2^j D_j - (2^k - 1) D: see conv_bits.h. Padding is in the planes. */
#include "bnnc/bit_windows.h"
#include "bnnc/kernels.h"
#include "bnnc/neon_count.h"
#include "bnnc/neon_sums.h"

/* Eight output channels; the last tile has fewer. */
typedef struct {
    bnnc_channels8 c;
    bnnc_sums8 start; /* of planes of zeros, without what these add */
    bnnc_sums8 thr;
} tile;

typedef struct {
    const uint8_t *w;
    const bnnc_end *end;
} layer;

BNNC_TEMPLATE int32x4_t add_product(int32x4_t sum, uint16x4_t n, uint16_t factor) {
    return vreinterpretq_s32_u32(vmlal_n_u16(vreinterpretq_u32_s32(sum), n, factor));
}

BNNC_TEMPLATE bnnc_sums8 add_plane(bnnc_sums8 s, uint16x8_t n, uint16_t factor) {
    s.low = add_product(s.low, vget_low_u16(n), factor);
    s.high = add_product(s.high, vget_high_u16(n), factor);
    return s;
}

typedef void (*store)(const tile *t, ptrdiff_t at, bnnc_sums8 s);

BNNC_TEMPLATE void to_byte(const tile *t, ptrdiff_t at, bnnc_sums8 s) {
    static const uint16_t bits[BNNC_LANES] = {1, 2, 4, 8, 16, 32, 64, 128};
    const uint16x4_t low = vmovn_u32(vcltq_s32(s.low, t->thr.low));
    const uint16x4_t high = vmovn_u32(vcltq_s32(s.high, t->thr.high));
    const uint16x8_t below = vandq_u16(vcombine_u16(low, high), vld1q_u16(bits));
    t->c.bytes[at] = (uint8_t)vaddvq_u16(below);
}

BNNC_TEMPLATE void to_floats(const tile *t, ptrdiff_t at, bnnc_sums8 s) {
    bnnc_scale_sums(&t->c, at, s);
}

BNNC_TEMPLATE void to_planes(const tile *t, ptrdiff_t at, bnnc_sums8 s) {
    bnnc_finish_sums(&t->c, at, s, bnnc_finish_levels);
}

/* All windows meet the weights of a tile. */
BNNC_TEMPLATE void meet(const bnnc_windows *s, const tile *given, const bnnc_runs *w, store put) {
    const tile t = *given; /* copies that results cannot overwrite */
    const bnnc_runs r = {w->w, w->runs, w->steps, 0, w->half};
    const ptrdiff_t next = s->next, plane = s->w_plane, *at = s->at;
    const int32_t planes = s->planes;
    const uint8_t *x = s->windows;
    int32_t left = s->count;
    for (; left >= 4; left -= 4, at += 4, x += 4 * next) {
        bnnc_sums8 a = t.start, b = t.start, c = t.start, d = t.start;
        for (int32_t j = 0; j < planes; ++j) {
            const bnnc_quad_counts n = bnnc_count_windows(&r, x + j * plane, next);
            const uint16_t factor = (uint16_t)(1 << j);
            a = add_plane(a, n.a, factor);
            b = add_plane(b, n.b, factor);
            c = add_plane(c, n.c, factor);
            d = add_plane(d, n.d, factor);
        }
        put(&t, at[0], a);
        put(&t, at[1], b);
        put(&t, at[2], c);
        put(&t, at[3], d);
    }
    for (; left > 0; --left, ++at, x += next) {
        bnnc_sums8 a = t.start;
        for (int32_t j = 0; j < planes; ++j) {
            a = add_plane(a, bnnc_count_window1(&r, x + j * plane, 0), (uint16_t)(1 << j));
        }
        put(&t, *at, a);
    }
}

typedef void (*meet_tile)(const bnnc_windows *s, const tile *t, const bnnc_runs *w);

BNNC_TEMPLATE void convolve(const bnnc_windows *s, const layer *all, int cut, meet_tile use) {
    const bnnc_conv2d *p = s->p;
    const int32_t channels = p->oc / p->groups, first = s->group * channels;
    const int32x4_t none = vdupq_n_s32(0), top = vdupq_n_s32(1 - (1 << p->bits_in));
    const ptrdiff_t w_tile = s->w_row * 8;
    bnnc_runs r = {all->w + first / 8 * w_tile, s->runs, s->steps, 0, s->half};
    tile t = {
        {p, all->end, (uint8_t *)all->end->y + first / 8, first, 0}, {none, none}, {none, none}};
    for (int32_t left = channels; left > 0; left -= BNNC_LANES, r.w += w_tile) {
        const uint16x8_t signs = bnnc_count_window1(&r, s->mask, 1);
        t.c.count = left < BNNC_LANES ? left : BNNC_LANES;
        t.start.low = vmulq_s32(top, vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(signs))));
        t.start.high = vmulq_s32(top, vreinterpretq_s32_u32(vmovl_u16(vget_high_u16(signs))));
        if (cut) {
            t.thr = bnnc_thresholds_of(&t.c);
        }
        use(s, &t, &r);
        t.c.oc += BNNC_LANES;
        ++t.c.bytes;
    }
}

BNNC_NOINLINE void meet_scaled(const bnnc_windows *s, const tile *t, const bnnc_runs *w) {
    meet(s, t, w, to_floats);
}

BNNC_NOINLINE void meet_bits(const bnnc_windows *s, const tile *t, const bnnc_runs *w) {
    meet(s, t, w, to_byte);
}

BNNC_NOINLINE void meet_levels(const bnnc_windows *s, const tile *t, const bnnc_runs *w) {
    meet(s, t, w, to_planes);
}

static void to_scaled(const bnnc_windows *s, const void *all) {
    convolve(s, (const layer *)all, 0, meet_scaled);
}

static void to_bits(const bnnc_windows *s, const void *all) {
    convolve(s, (const layer *)all, 1, meet_bits);
}

static void to_levels(const bnnc_windows *s, const void *all) {
    convolve(s, (const layer *)all, 0, meet_levels);
}

void BNNC_SYM(conv2d_ub_neon_f32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const float *alpha, const float *bias, float *y) {
    const bnnc_end end = {NULL, alpha, bias, y};
    const layer all = {w, &end};
    bnnc_each_window(p, x, 1, to_scaled, &all);
}

void BNNC_SYM(conv2d_ub_neon_thr)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *thr, uint8_t *y) {
    const bnnc_end end = {thr, NULL, NULL, y};
    const layer all = {w, &end};
    bnnc_each_window(p, x, bnnc_bit_bytes(p->oc), to_bits, &all);
}

void BNNC_SYM(conv2d_ub_neon_lvl)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *thr, uint8_t *y) {
    const bnnc_end end = {thr, NULL, NULL, y};
    const layer all = {w, &end};
    bnnc_each_window(p, x, 1, to_levels, &all);
}
