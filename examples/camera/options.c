/* SPDX-License-Identifier: 0BSD */
#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

static const char help[] =
    "Usage: camera [OPTION]... [/dev/videoN | FILE.ppm...]\n"
    "Classify what a camera sees, or pictures in files; without either, a moving pattern.\n"
    "\n"
    "  --labels FILE             names of the classes, one a line\n"
    "  --top N                   show the N best classes [5]\n"
    "  --size WxH                ask the camera for this size [320x240]\n"
    "  --frames N                stop after N pictures\n"
    "  --mean R,G,B --std R,G,B  the network reads (pixel - mean) / std [0,0,0 and 1,1,1]\n"
    "  --bgr                     the network wants blue first\n"
    "  --stretch                 take all of the picture, not the middle of it\n"
    "  --plain                   print a line for each picture, also on a terminal\n"
    "  --framebuffer DEVICE      draw on a framebuffer, such as /dev/fb0\n"
    "  --framebuffer-size WxH    it is a file, to be written with 32 bits a pixel\n";

static void refuse(const char *name, const char *value, const char *wanted) {
    fprintf(stderr, "--%s %s: %s wanted\n", name, value, wanted);
    exit(2);
}

static int read_number(const char *name, const char *text) {
    char rest;
    int value;
    if (sscanf(text, "%d%c", &value, &rest) != 1 || value < 1) {
        refuse(name, text, "a positive number");
    }
    return value;
}

static void read_size(const char *name, const char *text, int *width, int *height) {
    char rest;
    if (sscanf(text, "%dx%d%c", width, height, &rest) != 2 || *width < 1 || *height < 1 ||
        *width > LARGEST_SIDE || *height > LARGEST_SIDE) {
        refuse(name, text, "a size such as 320x240");
    }
}

static void read_colour(const char *name, const char *text, float *values, int nonzero) {
    char rest;
    const int count = sscanf(text, "%f,%f,%f%c", values, values + 1, values + 2, &rest);
    if (count == 1) {
        values[1] = values[2] = values[0];
    } else if (count != 3) {
        refuse(name, text, "a number, or three such as 104,117,123");
    }
    for (int i = 0; nonzero && i < 3; i++) {
        if (!(values[i] > 0)) {
            refuse(name, text, "positive numbers");
        }
    }
}

void read_options(options *found, int argc, char **argv) {
    enum { LABELS, TOP, SIZE, FRAMES, MEAN, STD, BGR, STRETCH, PLAIN, FB, FB_SIZE, HELP };
    static const struct option known[] = {
        {"labels", required_argument, NULL, LABELS},
        {"top", required_argument, NULL, TOP},
        {"size", required_argument, NULL, SIZE},
        {"frames", required_argument, NULL, FRAMES},
        {"mean", required_argument, NULL, MEAN},
        {"std", required_argument, NULL, STD},
        {"bgr", no_argument, NULL, BGR},
        {"stretch", no_argument, NULL, STRETCH},
        {"plain", no_argument, NULL, PLAIN},
        {"framebuffer", required_argument, NULL, FB},
        {"framebuffer-size", required_argument, NULL, FB_SIZE},
        {"help", no_argument, NULL, HELP},
        {NULL, 0, NULL, 0},
    };
    int which = 0;
    found->width = 320;
    found->height = 240;
    found->top = 5;
    for (int c; (c = getopt_long(argc, argv, "", known, &which)) != -1;) {
        switch (c) {
        case LABELS:
            found->labels = optarg;
            break;
        case TOP:
            found->top = read_number("top", optarg);
            break;
        case SIZE:
            read_size("size", optarg, &found->width, &found->height);
            break;
        case FRAMES:
            found->frames = read_number("frames", optarg);
            break;
        case MEAN:
            read_colour("mean", optarg, found->format.mean, 0);
            break;
        case STD:
            read_colour("std", optarg, found->format.std, 1);
            break;
        case BGR:
            found->format.bgr = 1;
            break;
        case STRETCH:
            found->format.stretch = 1;
            break;
        case PLAIN:
            found->plain = 1;
            break;
        case FB:
            found->framebuffer = optarg;
            break;
        case FB_SIZE:
            read_size("framebuffer-size", optarg, &found->framebuffer_width,
                      &found->framebuffer_height);
            break;
        case HELP:
            fputs(help, stdout);
            exit(0);
        default:
            fputs(help, stderr);
            exit(2);
        }
    }
    found->files = argv + optind;
    found->file_count = argc - optind;
}
