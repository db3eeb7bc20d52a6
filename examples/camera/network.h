/* SPDX-License-Identifier: 0BSD */
/* The compiled network: pictures in, the best classes out. */
#ifndef CAMERA_NETWORK_H
#define CAMERA_NETWORK_H

#include "image.h"

typedef struct {
    int index;   /* of the class */
    float score; /* as the network gives it */
} candidate;

/* Sizes and order of the network's input, from its header; mean 0, std 1, not stretched, no BGR.
 * Returns what is wrong with a network that does not read one picture at a time, or NULL. */
const char *network_format(input_format *format);

/* How many classes there are. */
int network_classes(void);

/* Make the network ready. Returns what is wrong, or NULL. */
const char *network_open(void);

/* Classify a picture; the best `count` (at most `network_classes()`) classes, best first. Of equal
 * scores the lower index comes first. Returns 0 if the network refuses to run. */
int network_classify(const image *picture, const input_format *format, candidate *best, int count);

#endif
