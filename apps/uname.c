/* uname [-amnrsv]: what system this is (POSIX); -s by default. */
#include "output.h"
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

static void __attribute__((noreturn)) usage(void)
{
	fprintf(stderr, "usage: uname [-amnrsv]\n");
	exit(2);
}

int main(int argc, char **argv)
{
	struct utsname name;
	char wanted[8] = "";
	int option;
	bool first = true;

	while ((option = getopt(argc, argv, "amnrsv")) != -1) {
		if (option == '?')
			usage();
		if (option == 'a')
			strcpy(wanted, "snrvm");
		else if (strlen(wanted) < 5)
			strncat(wanted, &(char){(char)option}, 1);
	}
	if (optind < argc)
		usage();
	if (wanted[0] == '\0')
		strcpy(wanted, "s");
	if (uname(&name) < 0) {
		perror("uname");
		return 1;
	}
	for (const char *letter = "snrvm"; *letter != '\0'; letter++) {
		if (strchr(wanted, *letter) == NULL)
			continue;
		printf("%s%s", first ? "" : " ",
			*letter == 's'	 ? name.sysname
			: *letter == 'n' ? name.nodename
			: *letter == 'r' ? name.release
			: *letter == 'v' ? name.version
							 : name.machine);
		first = false;
	}
	putchar('\n');
	return end_of_output("uname", 0);
}
