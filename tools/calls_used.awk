# Rewrites what an object depends on (clang's or gcc's -MD -MP): from the headers about
# all system calls to a file for each call that its sources name. So a call that is added
# compiles again only what uses it.
#
#	awk -v generated=FOLDER -f calls_used.awk FILE.d >NEW.d
#
# Where names are pasted together (_kern_##name) it cannot know, and how many calls there
# are (SYSCALL_COUNT) is about all of them: then it changes nothing.

BEGIN { headers = "/(syscalls|syscall_numbers|syscall_handlers)\\.h$" }

{ text = text $0 "\n" }

function read_calls(path,    line) {
	while ((getline line < path) > 0) {
		if (line ~ /(_kern_|_user_|SYS_)[ \t]*##|SYSCALL_COUNT/)
			all = 1
		while (match(line, /(_kern_|_user_|SYS_)[A-Za-z0-9_]+/)) {
			name = substr(line, RSTART + (substr(line, RSTART, 1) == "S" ? 4 : 6),
				RLENGTH - (substr(line, RSTART, 1) == "S" ? 4 : 6))
			named[name] = 1
			line = substr(line, RSTART + RLENGTH)
		}
	}
	close(path)
}

function exists(path,    line, found) {
	found = (getline line < path) >= 0
	close(path)
	return found
}

END {
	joined = text
	gsub(/\\\n/, " ", joined)
	sub(/\n.*/, "", joined) # the rules of -MP come after the first one
	colon = index(joined, ": ")
	count = split(substr(joined, colon + 2), paths, /[ \t]+/)
	output = substr(joined, 1, colon)
	for (i = 1; i <= count; i++) {
		if (paths[i] == "")
			continue
		if (index(paths[i], generated "/") == 1 && paths[i] ~ headers)
			continue
		output = output " \\\n  " paths[i]
		kept[++keeps] = paths[i]
		if (index(paths[i], generated "/") != 1 && paths[i] !~ /^\//)
			read_calls(paths[i])
	}
	if (all) {
		printf "%s", text
		exit
	}
	for (name in named) {
		path = generated "/calls/" name
		if (exists(path)) {
			output = output " \\\n  " path
			kept[++keeps] = path
		}
	}
	print output
	for (i = 2; i <= keeps; i++) # all but the source: when one has gone, that is no error
		print kept[i] ":"
}
