/* SPDX-License-Identifier: 0BSD */
/* Where pictures come from. */
#ifndef CAMERA_SOURCE_H
#define CAMERA_SOURCE_H

#include "image.h"

typedef struct source source;

struct source {
    /* The next picture, which is valid up to the next call; 0 at the end, and after an error,
     * which has been printed and is remembered in `failed`. */
    int (*next)(source *self, image *picture);
    void (*close)(source *self);
    const char *name; /* of the last picture */
    int failed;
};

/* A V4L2 device, asked for pictures of about this size. NULL if it does not work, which has been
 * printed. */
source *open_device(const char *path, int width, int height);

/* Files in the formats PPM and PGM (P6, P5, 8 bits), one after the other. */
source *open_files(char **paths, int count);

/* A pattern that moves, for machines without a camera. */
source *open_pattern(int width, int height);

#endif
