/* SPDX-License-Identifier: 0BSD */
/* Works with any network that was compiled with `--name model --embed`. */
#include "network.h"

#include <math.h>

#include "model.h"

static const int input_shape[] = model_IN0_SHAPE;
static const int output_shape[] = model_OUT0_SHAPE;

#define VALUES(shape) values_of(shape, (int)(sizeof(shape) / sizeof((shape)[0])))

static int values_of(const int *shape, int rank) {
    int count = 1;
    for (int i = 0; i < rank; i++) {
        count *= shape[i];
    }
    return count;
}

/* Buffers are floats, or bytes, which --io int8 makes of them. */
static uint64_t arena[(model_ARENA_BYTES + 7) / 8 + 1];
static uint64_t input[(model_IN0_BYTES + 7) / 8], output[(model_OUT0_BYTES + 7) / 8];
#ifdef model_IN0_SCALE
static float pixels[model_IN0_BYTES];
#endif
static model_ctx context;

const char *network_format(input_format *format) {
    const int rank = model_IN0_RANK;
    const int *last = input_shape + (rank > 2 ? rank - 3 : 0); /* three numbers */
    const input_format plain = {0, 0, 0, 0, 0, 0, {0, 0, 0}, {1, 1, 1}};
    *format = plain;
    if (rank < 3 || rank > 4 || (rank == 4 && input_shape[0] != 1)) {
        return "the network's input is not one picture; compile it with --batch 1";
    }
    format->channels_first = last[2] != 1 && last[2] != 3;
    format->channels = last[format->channels_first ? 0 : 2];
    format->height = last[format->channels_first ? 1 : 0];
    format->width = last[format->channels_first ? 2 : 1];
    if (format->channels != 1 && format->channels != 3) {
        return "the network's input has neither 1 nor 3 channels";
    }
#ifndef model_IN0_SCALE
    if (VALUES(input_shape) * 4 != model_IN0_BYTES) {
        return "the network's input is neither float nor int8";
    }
#endif
    return NULL;
}

int network_classes(void) { return VALUES(output_shape); }

const char *network_open(void) {
    switch (model_init(&context, model_weights, model_WEIGHTS_BYTES, arena, sizeof arena)) {
    case BNNC_OK:
        return NULL;
    case BNNC_ERR_FLOAT_MODE:
        return "compiled with flags that change float results, such as -ffast-math";
    default:
        return "the network refuses its weights; compile it again";
    }
}

static void fill_input(const image *picture, const input_format *format) {
#ifdef model_IN0_SCALE
    int8_t *bytes = (int8_t *)input;
    prepare_input(picture, format, pixels);
    for (int i = 0; i < model_IN0_BYTES; i++) {
        const float level = rintf(pixels[i] / model_IN0_SCALE) + (float)model_IN0_ZERO;
        bytes[i] = (int8_t)fminf(fmaxf(level, -128), 127);
    }
#else
    prepare_input(picture, format, (float *)(void *)input);
#endif
}

static float score_of(int index) {
#ifdef model_OUT0_SCALE
    const int level = ((const int8_t *)output)[index];
    return (float)(level - model_OUT0_ZERO) * model_OUT0_SCALE;
#else
    return ((const float *)(const void *)output)[index];
#endif
}

int network_classify(const image *picture, const input_format *format, candidate *best, int count) {
    int found = 0;
    fill_input(picture, format);
    if (model_run(&context, (const void *)input, (void *)output) != BNNC_OK) {
        return 0;
    }
    for (int i = 0; i < network_classes(); i++) { /* insertion: the list is short */
        const candidate next = {i, score_of(i)};
        int at = found;
        for (; at > 0 && best[at - 1].score < next.score; at--) {
            if (at < count) {
                best[at] = best[at - 1];
            }
        }
        if (at < count) {
            best[at] = next;
            found += found < count;
        }
    }
    return 1;
}
