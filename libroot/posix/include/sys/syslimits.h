/* Limits, POSIX's <limits.h>: the kernel's where it has any. */
#ifndef _SYS_SYSLIMITS_H_
#define _SYS_SYSLIMITS_H_

#define ARG_MAX 65536
#define CHILD_MAX 256
#define LINK_MAX 32000
#define MAX_CANON 4095
#define MAX_INPUT 4096
#define NAME_MAX 255
#define NGROUPS_MAX 16
#define OPEN_MAX 256
#define PATH_MAX 4096
#define PIPE_BUF 4096
#define IOV_MAX 1024
#define SYMLINK_MAX 4095
#define SYMLOOP_MAX 8
#define HOST_NAME_MAX 64
#define LOGIN_NAME_MAX 32
#define TTY_NAME_MAX 32

#define BC_BASE_MAX 99
#define BC_DIM_MAX 2048
#define BC_SCALE_MAX 99
#define BC_STRING_MAX 1000
#define COLL_WEIGHTS_MAX 2
#define EXPR_NEST_MAX 32
#define LINE_MAX 2048
#define RE_DUP_MAX 255

#endif
