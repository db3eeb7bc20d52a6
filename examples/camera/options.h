/* SPDX-License-Identifier: 0BSD */
#ifndef CAMERA_OPTIONS_H
#define CAMERA_OPTIONS_H

#include "image.h"

typedef struct {
    input_format format;
    const char *device; /* NULL: files or, if there are none, the pattern */
    char **files;
    int file_count;
    const char *labels, *framebuffer; /* paths, or NULL */
    int framebuffer_width, framebuffer_height;
    int width, height; /* what is asked of the camera */
    int frames;        /* 0: until the end, or until Ctrl-C */
    int top;           /* classes to show */
    int plain;         /* lines, also on a terminal */
} options;

/* Read the command line; `found->format` holds what the network wants. Ends the program for --help
 * and, with exit code 2, for what it cannot read. */
void read_options(options *found, int argc, char **argv);

#endif
