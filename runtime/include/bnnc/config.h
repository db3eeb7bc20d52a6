/* SPDX-License-Identifier: 0BSD */
/* The prefix of every external symbol. A generated project brings its own copy of this file with
 * its own prefix, so that several models link into one program; nothing else differs. */
#ifndef BNNC_CONFIG_H
#define BNNC_CONFIG_H

#ifndef BNNC_PREFIX
#define BNNC_PREFIX bnnc_
#endif

/* Two steps, so that BNNC_PREFIX is expanded before it is pasted. */
#define BNNC_PASTE_(prefix, name) prefix##name
#define BNNC_PASTE(prefix, name) BNNC_PASTE_(prefix, name)
#define BNNC_SYM(name) BNNC_PASTE(BNNC_PREFIX, name)

#endif
