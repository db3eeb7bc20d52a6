/* SPDX-License-Identifier: 0BSD */
/* Convolution and dense layers: activations of bits or levels, ternary weights, groups == 1 or of
 * whole bytes of channels on both sides; 64-bit ARM.
 *
 * Weights lie like those of conv2d_bb_neon.c, each step of signs followed by one of ones where they
 * are not zero. */
#include "bnnc/kernels.h"
#include "bnnc/neon_planes.h"

BNNC_NOINLINE void meet_bits_to_scaled(const bnnc_windows *s, const bnnc_plane_tile *t,
                                       const bnnc_runs *w) {
    bnnc_meet_planes(s, t, w, 1, BNNC_TERNARY, bnnc_sums_to_floats);
}

BNNC_NOINLINE void meet_bits_to_bits(const bnnc_windows *s, const bnnc_plane_tile *t,
                                     const bnnc_runs *w) {
    bnnc_meet_planes(s, t, w, 1, BNNC_TERNARY, bnnc_sums_to_byte);
}

BNNC_NOINLINE void meet_bits_to_levels(const bnnc_windows *s, const bnnc_plane_tile *t,
                                       const bnnc_runs *w) {
    bnnc_meet_planes(s, t, w, 1, BNNC_TERNARY, bnnc_sums_to_levels);
}

BNNC_NOINLINE void meet_planes_to_scaled(const bnnc_windows *s, const bnnc_plane_tile *t,
                                         const bnnc_runs *w) {
    bnnc_meet_planes(s, t, w, 0, BNNC_TERNARY, bnnc_sums_to_floats);
}

BNNC_NOINLINE void meet_planes_to_bits(const bnnc_windows *s, const bnnc_plane_tile *t,
                                       const bnnc_runs *w) {
    bnnc_meet_planes(s, t, w, 0, BNNC_TERNARY, bnnc_sums_to_byte);
}

BNNC_NOINLINE void meet_planes_to_levels(const bnnc_windows *s, const bnnc_plane_tile *t,
                                         const bnnc_runs *w) {
    bnnc_meet_planes(s, t, w, 0, BNNC_TERNARY, bnnc_sums_to_levels);
}

static void to_scaled(const bnnc_windows *s, const void *given) {
    const bnnc_plane_layer *all = (const bnnc_plane_layer *)given;
    if (s->p->bits_in == 0) {
        bnnc_convolve_planes(s, all, 1, BNNC_TERNARY, 0, meet_bits_to_scaled);
    } else {
        bnnc_convolve_planes(s, all, 0, BNNC_TERNARY, 0, meet_planes_to_scaled);
    }
}

static void to_bits(const bnnc_windows *s, const void *given) {
    const bnnc_plane_layer *all = (const bnnc_plane_layer *)given;
    if (s->p->bits_in == 0) {
        bnnc_convolve_planes(s, all, 1, BNNC_TERNARY, 1, meet_bits_to_bits);
    } else {
        bnnc_convolve_planes(s, all, 0, BNNC_TERNARY, 1, meet_planes_to_bits);
    }
}

static void to_levels(const bnnc_windows *s, const void *given) {
    const bnnc_plane_layer *all = (const bnnc_plane_layer *)given;
    if (s->p->bits_in == 0) {
        bnnc_convolve_planes(s, all, 1, BNNC_TERNARY, 0, meet_bits_to_levels);
    } else {
        bnnc_convolve_planes(s, all, 0, BNNC_TERNARY, 0, meet_planes_to_levels);
    }
}

BNNC_NOINLINE void scaled(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                          const float *alpha, const float *bias, float *y) {
    const bnnc_end end = {NULL, alpha, bias, y};
    const bnnc_plane_layer all = {w, &end};
    bnnc_each_window(p, x, 1, to_scaled, &all);
}

BNNC_NOINLINE void cut(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w, const int32_t *thr,
                       uint8_t *y) {
    const bnnc_end end = {thr, NULL, NULL, y};
    const bnnc_plane_layer all = {w, &end};
    bnnc_each_window(p, x, bnnc_bit_bytes(p->oc), to_bits, &all);
}

BNNC_NOINLINE void count(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                         const int32_t *thr, uint8_t *y) {
    const bnnc_end end = {thr, NULL, NULL, y};
    const bnnc_plane_layer all = {w, &end};
    bnnc_each_window(p, x, 1, to_levels, &all);
}

void BNNC_SYM(conv2d_bt_neon_f32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const float *alpha, const float *bias, float *y) {
    scaled(p, x, w, alpha, bias, y);
}

void BNNC_SYM(conv2d_bt_neon_thr)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *thr, uint8_t *y) {
    cut(p, x, w, thr, y);
}

void BNNC_SYM(conv2d_bt_neon_lvl)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *thr, uint8_t *y) {
    count(p, x, w, thr, y);
}

void BNNC_SYM(conv2d_ut_neon_f32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const float *alpha, const float *bias, float *y) {
    scaled(p, x, w, alpha, bias, y);
}

void BNNC_SYM(conv2d_ut_neon_thr)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *thr, uint8_t *y) {
    cut(p, x, w, thr, y);
}

void BNNC_SYM(conv2d_ut_neon_lvl)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *thr, uint8_t *y) {
    count(p, x, w, thr, y);
}
