/* How long names and paths may be, and what a pipe takes in one piece. */
#pragma once

#define NAME_MAX 255  /* bytes of a name, without a NUL */
#define PATH_MAX 4096 /* bytes of a path, with its NUL */
#define PIPE_BUF 4096 /* bytes that a write() to a pipe never mixes with others' */
#define IOV_MAX 1024  /* parts of a readv() or writev() */
#define OPEN_MAX 256  /* descriptors of a process */
