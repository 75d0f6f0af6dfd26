/*
 * Programs from their files: found, checked, and loaded into an address space of
 * their own, which nobody uses yet. process.c makes processes of them.
 */
#pragma once

#include "kernel/elf.h"
#include <postern/types.h>

struct address_space;
struct vnode;

struct program {
	struct vnode *file; /* with a reference */
	struct elf_image elf;
	struct address_space *space;
	uintptr_t stack; /* the first ESP */
};

/*
 * Finds, checks and loads a program. 0, -ENOENT and what else a path can be
 * wrong by, -EISDIR, -EACCES, -ENOEXEC, -E2BIG, -ENOMEM, -EIO. *_why says what
 * is wrong with a file that is none. What it has made is the caller's.
 */
int program_load(const char *path, const char *const *arguments,
	const char *const *environment, struct program *_program, const char **_why);

/* A program's file, for its symbols; the second one takes no lock: then not every
 * file can be read. */
struct elf_source program_source(struct vnode *file);
struct elf_source program_source_in_panic(struct vnode *file);
