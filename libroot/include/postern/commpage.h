/* The commpage: the table at its start, the same in every program. */
#pragma once

#include <postern/types.h>

#define COMMPAGE_ADDRESS 0xffff0000u
#define COMMPAGE_ENTRIES 64
#define COMMPAGE_TABLE ((const volatile uint32_t *)COMMPAGE_ADDRESS)

/* Indices into the table. */
#define COMMPAGE_MAGIC 0 /* holds COMMPAGE_MAGIC_VALUE */
#define COMMPAGE_VERSION 1
#define COMMPAGE_TIME 2			 /* address of the time data, or 0 */
#define COMMPAGE_SYSCALL 3		 /* address of the system-call entry */
#define COMMPAGE_SIGNAL_RETURN 4 /* where signal handlers return to */

#define COMMPAGE_MAGIC_VALUE 0x434f4d4du /* 'COMM' */
