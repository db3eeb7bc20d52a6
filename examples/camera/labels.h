/* SPDX-License-Identifier: 0BSD */
/* Names of classes: a text file with one name a line, the first for class 0. */
#ifndef CAMERA_LABELS_H
#define CAMERA_LABELS_H

/* Read `count` names. Returns NULL if the file cannot be read or has fewer or more, which has been
 * printed. */
char **read_labels(const char *path, int count);

void free_labels(char **labels);

#endif
