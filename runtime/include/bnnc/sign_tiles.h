/* SPDX-License-Identifier: 0BSD */
/* Eight bit weights as floats, for every byte: x times +-1 is +-x. */
#ifndef BNNC_SIGN_TILES_H
#define BNNC_SIGN_TILES_H

#include "bnnc/conv_lanes.h"

#define BNNC_SIGN(byte, l) ((byte) >> (l) & 1 ? -1.0f : 1.0f)
#define BNNC_SIGNS(b)                                                                              \
    {BNNC_SIGN(b, 0), BNNC_SIGN(b, 1), BNNC_SIGN(b, 2), BNNC_SIGN(b, 3),                           \
     BNNC_SIGN(b, 4), BNNC_SIGN(b, 5), BNNC_SIGN(b, 6), BNNC_SIGN(b, 7)}
#define BNNC_SIGNS4(b) BNNC_SIGNS(b), BNNC_SIGNS((b) + 1), BNNC_SIGNS((b) + 2), BNNC_SIGNS((b) + 3)
#define BNNC_SIGNS16(b)                                                                            \
    BNNC_SIGNS4(b), BNNC_SIGNS4((b) + 4), BNNC_SIGNS4((b) + 8), BNNC_SIGNS4((b) + 12)
#define BNNC_SIGNS64(b)                                                                            \
    BNNC_SIGNS16(b), BNNC_SIGNS16((b) + 16), BNNC_SIGNS16((b) + 32), BNNC_SIGNS16((b) + 48)
static const bnnc_tile bnnc_sign_tiles[256] = {BNNC_SIGNS64(0), BNNC_SIGNS64(64), BNNC_SIGNS64(128),
                                               BNNC_SIGNS64(192)};

#endif
