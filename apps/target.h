/* Where cp and mv put things. */
#pragma once

#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

/* In the directory `directory`, by the last name of `from`. Valid until the next call. */
static inline const char *target_in(const char *directory, const char *from)
{
	static char sTarget[PATH_MAX];
	char name[PATH_MAX];

	strlcpy(name, from, sizeof name);
	snprintf(sTarget, sizeof sTarget, "%s/%s", directory, basename(name));
	return sTarget;
}
