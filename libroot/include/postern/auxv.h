/*
 * The auxiliary vector behind envp at a program's start: pairs of a type and a
 * value, up to AT_NULL. Numbered as Linux and the System V ABI number them.
 */
#pragma once

#define AT_NULL 0
#define AT_PHDR 3	  /* address of the program headers, 0 when not mapped */
#define AT_PHENT 4	  /* bytes of one */
#define AT_PHNUM 5	  /* how many */
#define AT_PAGESZ 6	  /* bytes */
#define AT_ENTRY 9	  /* where the program began */
#define AT_RANDOM 25  /* address of 16 bytes that differ from run to run */
#define AT_SYSINFO 32 /* the commpage's system-call entry */
