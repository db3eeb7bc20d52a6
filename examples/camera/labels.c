/* SPDX-License-Identifier: 0BSD */
#include "labels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST = 256 };

char **read_labels(const char *path, int count) {
    char line[LONGEST];
    int found = 0;
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        perror(path);
        return NULL;
    }
    /* One block: the pointers, and the names behind them. */
    char **labels = malloc((size_t)count * (sizeof *labels + LONGEST));
    if (labels == NULL) {
        abort();
    }
    while (fgets(line, LONGEST, file) != NULL) {
        line[strcspn(line, "\r\n")] = '\0';
        if (found < count) {
            labels[found] = (char *)(labels + count) + (size_t)found * LONGEST;
            memcpy(labels[found], line, strlen(line) + 1);
        }
        found++;
    }
    fclose(file);
    if (found != count) {
        fprintf(stderr, "%s: has %d lines, but the network has %d classes\n", path, found, count);
        free(labels);
        return NULL;
    }
    return labels;
}

void free_labels(char **labels) { free(labels); }
