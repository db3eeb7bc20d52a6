/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin of QEMU that counts executed instructions of each function and mnemonic.
 *
 * qemu-aarch64 -plugin ./libicount.so,out=FILE program
 *
 * writes lines of a function, a mnemonic and a count, tabs between. Debian ships no qemu-plugin.h:
 * what is used of the interface (version 1, QEMU 4.2 to 8) is declared here. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t plugin_id;
typedef struct qemu_plugin_tb block;
typedef struct qemu_plugin_insn instruction;

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, void (*translated)(plugin_id, block *));
void qemu_plugin_register_vcpu_insn_exec_inline(instruction *i, int op, void *counter, uint64_t by);
size_t qemu_plugin_tb_n_insns(const block *b);
instruction *qemu_plugin_tb_get_insn(const block *b, size_t index);
const char *qemu_plugin_insn_symbol(const instruction *i);
char *qemu_plugin_insn_disas(const instruction *i);
void qemu_plugin_register_atexit_cb(plugin_id id, void (*done)(plugin_id, void *), void *data);

#define EXPORT __attribute__((visibility("default")))
#define ADD_U64 0
#define BUCKETS 4096

EXPORT int qemu_plugin_version = 1;
EXPORT int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv);

/* Counters are never freed or moved: translated code adds to them. */
typedef struct counter {
    struct counter *next;
    uint64_t count;
    char *function, mnemonic[24];
} counter;

static counter *table[BUCKETS];
static const char *out;

static counter *find(const char *function, const char *mnemonic) {
    uint32_t hash = 5381;
    for (const char *p = function; *p; ++p) {
        hash = hash * 33 ^ (unsigned char)*p;
    }
    for (const char *p = mnemonic; *p; ++p) {
        hash = hash * 33 ^ (unsigned char)*p;
    }
    counter **bucket = &table[hash % BUCKETS];
    for (counter *c = *bucket; c != NULL; c = c->next) {
        if (strcmp(c->function, function) == 0 && strcmp(c->mnemonic, mnemonic) == 0) {
            return c;
        }
    }
    counter *made = calloc(1, sizeof *made);
    made->next = *bucket;
    made->function = strdup(function);
    strcpy(made->mnemonic, mnemonic);
    return *bucket = made;
}

static void translated(plugin_id id, block *b) {
    (void)id;
    for (size_t k = 0; k < qemu_plugin_tb_n_insns(b); ++k) {
        instruction *i = qemu_plugin_tb_get_insn(b, k);
        const char *function = qemu_plugin_insn_symbol(i);
        char *text = qemu_plugin_insn_disas(i), mnemonic[24] = "";
        if (text != NULL) {
            size_t n = strcspn(text, " \t");
            memcpy(mnemonic, text, n < sizeof mnemonic ? n : sizeof mnemonic - 1);
            free(text);
        }
        counter *c = find(function != NULL && *function ? function : "?", mnemonic);
        qemu_plugin_register_vcpu_insn_exec_inline(i, ADD_U64, &c->count, 1);
    }
}

static void done(plugin_id id, void *data) {
    FILE *file = fopen(out, "w");
    (void)id, (void)data;
    if (file == NULL) {
        fprintf(stderr, "icount: cannot write %s\n", out);
        return;
    }
    for (size_t b = 0; b < BUCKETS; ++b) {
        for (const counter *c = table[b]; c != NULL; c = c->next) {
            if (c->count) {
                fprintf(file, "%s\t%s\t%llu\n", c->function, c->mnemonic,
                        (unsigned long long)c->count);
            }
        }
    }
    fclose(file);
}

int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv) {
    (void)info;
    for (int i = 0; i < argc; ++i) {
        if (strncmp(argv[i], "out=", 4) == 0) {
            out = strdup(argv[i] + 4);
        }
    }
    if (out == NULL) {
        fprintf(stderr, "icount: say out=FILE\n");
        return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, done, NULL);
    return 0;
}
