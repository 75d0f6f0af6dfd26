/*
 * newlib's own name for where a machine says which types differ from its
 * defaults. Files have 64 bits, and numbers of devices and files are those of
 * <postern/stat.h>.
 */
#ifndef _MACHINE__TYPES_H
#define _MACHINE__TYPES_H

#include <machine/_default_types.h>

typedef __int64_t _off_t;
#define __machine_off_t_defined
typedef __int64_t _fpos_t;
#define __machine_fpos_t_defined
typedef __uint32_t __dev_t;
#define __machine_dev_t_defined
typedef __uint64_t __ino_t;
#define __machine_ino_t_defined
typedef __uint32_t __uid_t;
#define __machine_uid_t_defined
typedef __uint32_t __gid_t;
#define __machine_gid_t_defined
typedef __int64_t __blkcnt_t;
#define __machine_blkcnt_t_defined

#endif
