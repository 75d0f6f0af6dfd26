/* newlib's <stdio.h>, and what POSIX 2008 has beside: newlib has it by another name. */
#ifndef POSTERN_STDIO_H
#define POSTERN_STDIO_H

#include_next <stdio.h>

#ifndef _REENT_ONLY
__BEGIN_DECLS
ssize_t getline(char **line, size_t *room, FILE *stream);
ssize_t getdelim(char **line, size_t *room, int end, FILE *stream);
__END_DECLS
#endif

#endif
