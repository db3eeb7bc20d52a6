/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin of QEMU that counts how often each block of a program is executed between marks.
 *
 * qemu-aarch64 -plugin ./libicount.so,out=FILE,mark=SYMBOL,mark=SYMBOL,stop=2 program
 *
 * A mark is the entry of a function of the program. FILE gets, at each mark and at the end, a line
 * `mark SYMBOL` (`mark end`) and the blocks executed since the mark before, a line `NUMBER COUNT`
 * each; then for each of these blocks a line `block NUMBER SYMBOL` and one for each instruction,
 * its bytes in hexadecimal and its name. The program is ended when it reaches the first mark for
 * the `stop`th time. A block that control leaves is always executed to its end, hence the counts of
 * instructions are exact.
 *
 * Debian ships no qemu-plugin.h: what is used of the interface is declared here. PLUGIN_API is its
 * version: 1 before QEMU 9.0, 2 in 9.0, 3 from 9.1 on. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef PLUGIN_API
#define PLUGIN_API 1
#endif

typedef uint64_t plugin_id;
typedef struct qemu_plugin_tb translated_block;
typedef struct qemu_plugin_insn instruction;

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id,
                                           void (*translated)(plugin_id, translated_block *));
void qemu_plugin_register_vcpu_tb_exec_cb(translated_block *b,
                                          void (*executed)(unsigned int cpu, void *data), int flags,
                                          void *data);
size_t qemu_plugin_tb_n_insns(const translated_block *b);
instruction *qemu_plugin_tb_get_insn(const translated_block *b, size_t index);
uint64_t qemu_plugin_insn_vaddr(const instruction *i);
size_t qemu_plugin_insn_size(const instruction *i);
const char *qemu_plugin_insn_symbol(const instruction *i);
char *qemu_plugin_insn_disas(const instruction *i);
void qemu_plugin_register_atexit_cb(plugin_id id, void (*done)(plugin_id, void *), void *data);
#if PLUGIN_API == 1
void qemu_plugin_register_vcpu_tb_exec_inline(translated_block *b, int op, void *counter,
                                              uint64_t by);
#endif
#if PLUGIN_API < 3
const void *qemu_plugin_insn_data(const instruction *i);
#else
size_t qemu_plugin_insn_data(const instruction *i, void *to, size_t bytes);
#endif

#define EXPORT __attribute__((visibility("default")))
#define ADD_U64 0
#define NO_REGISTERS 0
#define MARKS 8

EXPORT int qemu_plugin_version = PLUGIN_API;
EXPORT int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv);

/* Never freed or moved: translated code adds to the counts. */
typedef struct block {
    struct block *next;
    uint64_t count, reported;
    unsigned long number;
    bool shown;
    char *symbol, *text;
} block;

typedef struct {
    const char *symbol;
    uint64_t entry, reached;
} mark;

static block *blocks;
static unsigned long number_of_blocks;
static mark marks[MARKS];
static size_t number_of_marks;
static uint64_t stop;
static FILE *out;

static void report(const char *symbol) {
    fprintf(out, "mark %s\n", symbol);
    for (block *b = blocks; b != NULL; b = b->next) {
        if (b->count != b->reported) {
            fprintf(out, "%lu %llu\n", b->number, (unsigned long long)(b->count - b->reported));
            b->reported = b->count;
            b->shown = true;
        }
    }
}

static void finish(void) {
    report("end");
    for (const block *b = blocks; b != NULL; b = b->next) {
        if (b->shown) {
            fprintf(out, "block %lu %s\n%s", b->number, b->symbol, b->text);
        }
    }
    fclose(out);
}

static void reached(unsigned int cpu, void *data) {
    mark *m = data;
    (void)cpu;
    if (++m->reached == stop && m == marks) {
        finish();
        _Exit(0);
    }
    report(m->symbol);
}

#if PLUGIN_API > 1
static void executed(unsigned int cpu, void *data) {
    (void)cpu;
    ++((block *)data)->count;
}
#endif

static const char *symbol_of(const instruction *i) {
    const char *symbol = qemu_plugin_insn_symbol(i);
    return symbol != NULL && *symbol ? symbol : "?";
}

/* The mark that a block begins with. The first block of a function that is translated holds its
 * entry. */
static mark *mark_of(const char *symbol, uint64_t address) {
    for (mark *m = marks; m < marks + number_of_marks; ++m) {
        if (strcmp(symbol, m->symbol) == 0) {
            m->entry = m->entry ? m->entry : address;
            return m->entry == address ? m : NULL;
        }
    }
    return NULL;
}

static void write_instruction(FILE *to, instruction *i) {
    unsigned char bytes[16] = {0};
    size_t size = qemu_plugin_insn_size(i);
    char *text = qemu_plugin_insn_disas(i);
    size = size < sizeof bytes ? size : sizeof bytes;
#if PLUGIN_API < 3
    memcpy(bytes, qemu_plugin_insn_data(i), size);
#else
    qemu_plugin_insn_data(i, bytes, size);
#endif
    for (size_t k = 0; k < size; ++k) {
        fprintf(to, "%02x", bytes[k]);
    }
    fprintf(to, " %.*s\n", (int)(text != NULL ? strcspn(text, " \t") : 0), text != NULL ? text : "");
    free(text);
}

static void translated(plugin_id id, translated_block *t) {
    const instruction *first = qemu_plugin_tb_get_insn(t, 0);
    block *b = calloc(1, sizeof *b);
    size_t bytes;
    FILE *to = open_memstream(&b->text, &bytes);
    mark *m;
    (void)id;
    b->number = number_of_blocks++;
    b->symbol = strdup(symbol_of(first));
    for (size_t k = 0; k < qemu_plugin_tb_n_insns(t); ++k) {
        write_instruction(to, qemu_plugin_tb_get_insn(t, k));
    }
    fclose(to);
    b->next = blocks;
    blocks = b;
    m = mark_of(b->symbol, qemu_plugin_insn_vaddr(first));
    if (m != NULL) {
        qemu_plugin_register_vcpu_tb_exec_cb(t, reached, NO_REGISTERS, m);
    }
#if PLUGIN_API == 1
    qemu_plugin_register_vcpu_tb_exec_inline(t, ADD_U64, &b->count, 1);
#else
    qemu_plugin_register_vcpu_tb_exec_cb(t, executed, NO_REGISTERS, b);
#endif
}

static void done(plugin_id id, void *data) {
    (void)id, (void)data;
    finish();
}

int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv) {
    (void)info;
    for (int i = 0; i < argc; ++i) {
        if (strncmp(argv[i], "out=", 4) == 0) {
            out = fopen(argv[i] + 4, "w");
        } else if (strncmp(argv[i], "mark=", 5) == 0 && number_of_marks < MARKS) {
            marks[number_of_marks++].symbol = strdup(argv[i] + 5);
        } else if (strncmp(argv[i], "stop=", 5) == 0) {
            stop = strtoull(argv[i] + 5, NULL, 10);
        }
    }
    if (out == NULL) {
        fprintf(stderr, "icount: say out=FILE, one that can be written\n");
        return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, done, NULL);
    return 0;
}
