# Prints those of the given C sources that are compiled with the C library: they, or a
# header beside them that they include, include more than <postern/...> and what the
# compiler has itself. Sources of one folder apps/NAME/ are one program: all, or none.
#
#	awk -f needs_libc.awk apps/echo.c apps/NAME/main.c ...

function alone(name) {
	return name ~ /^(postern\/[a-z_0-9]*|syscalls|syscall_(constants|numbers)|std(arg|bool|def|int|noreturn)|limits|float)\.h$/
}

function read(path,    folder, line, name, is_quoted) {
	if (path in known)
		return known[path]
	known[path] = 0 # also where headers include each other
	folder = path
	sub(/[^\/]*$/, "", folder)
	while ((getline line < path) > 0) {
		if (line !~ /^[ \t]*#[ \t]*include[ \t]*[<"]/)
			continue
		name = line
		sub(/^[^<"]*[<"]/, "", name)
		sub(/[>"].*/, "", name)
		is_quoted = line ~ /^[^<]*"/
		if (is_quoted ? read(folder name) : !alone(name)) {
			known[path] = 1
			break
		}
	}
	close(path) # which need not be there: another folder's header is no program's own
	return known[path]
}

BEGIN {
	for (i = 1; i < ARGC; i++) {
		program = ARGV[i]
		if (program ~ /^(.*\/)?(apps|tests\/guest)\/[^\/]*\//)
			sub(/\/[^\/]*$/, "", program)
		if (read(ARGV[i]))
			is_needed[program] = 1
		program_of[i] = program
	}
	for (i = 1; i < ARGC; i++)
		if (program_of[i] in is_needed)
			print ARGV[i]
}
