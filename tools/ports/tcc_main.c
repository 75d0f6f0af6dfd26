/*
 * Where Postern's tcc begins: TinyCC's own main() is renamed by the command line of
 * tools/ports.py, and called from here with -static in front. There are no shared
 * libraries here, so what is linked without it could not run.
 */
#include <stdlib.h>
#include <string.h>

int tcc_main(int argc, char **argv);

int main(int argc, char **argv)
{
	char **words = malloc((size_t)(argc + 2) * sizeof *words);
	/* `-ar` is another program, whose words are its own. */
	int added = argc < 2 || strcmp(argv[1], "-ar") != 0;
	int count = 0;

	if (words == NULL)
		return 1;
	words[count++] = argv[0];
	if (added)
		words[count++] = (char[]){"-static"};
	for (int i = 1; i < argc; i++)
		words[count++] = argv[i];
	words[count] = NULL;
	return tcc_main(count, words);
}
