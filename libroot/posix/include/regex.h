/* newlib's <regex.h>, which uses off_t without including what has it. */
#include <sys/types.h>
#include_next <regex.h>
