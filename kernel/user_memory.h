/*
 * User memory, as the kernel may touch it: copied, checked, and through here
 * only. No other code dereferences an address that came from a program.
 *
 * The generated thunks call the object and string functions, so a handler
 * never sees a user address: it gets pointers to the kernel's own copies,
 * and for counted buffers one of the three handles below, whose type says
 * which way the bytes may go.
 *
 * Every function here returns 0 or a negative errno value. A size is in bytes.
 */
#pragma once

#include <postern/types.h>

/*
 * A counted buffer of the calling program, checked to lie wholly below the
 * kernel's base. Whether its pages are mapped shows only when they are copied.
 * A NULL that the line allows ([in?: n]) has `address` 0.
 */
struct user_in {
	uintptr_t address;
	size_t size; /* bytes */
};

struct user_out {
	uintptr_t address;
	size_t size; /* bytes */
};

struct user_inout {
	uintptr_t address;
	size_t size; /* bytes */
};

/* The longest string or path that a call takes, with its NUL. */
#define USER_STRING_MAX 4096
/* The most bytes of pointers and strings that a [strings] argument may have. */
#define USER_STRINGS_MAX 65536

/*
 * Whether [address, address + size) lies below the kernel's base, without
 * wrapping around. Says nothing about what is mapped.
 */
bool user_range_valid(uintptr_t address, size_t size);

/* For thunks and for the handles below. -EFAULT when any byte is not
 * readable (not writable); then part of `to` may have been written. */
int user_copy_in(void *to, uintptr_t from, size_t size);
int user_copy_out(uintptr_t to, const void *from, size_t size);

/* The same, of which nothing is written where not all can be. */
int user_copy_out_whole(uintptr_t to, const void *from, size_t size);

/*
 * The same as the first for who holds a spinlock and so cannot wait for a page to come:
 * -EFAULT when one is not there, though it might be made.
 */
int user_copy_in_present(void *to, uintptr_t from, size_t size);

/*
 * Checks that an [out] object can be written before its handler runs, so that
 * a bad pointer costs no half-done work: -EFAULT when a byte of it is not
 * writable now. Changes no byte.
 */
int user_probe_out(uintptr_t address, size_t size);

/*
 * The byte size of `count` elements of `element_size` bytes at `address`:
 * stored in *_size, or -EFAULT when it overflows or leaves the user's half.
 */
int user_counted_size(
	uintptr_t address, size_t count, size_t element_size, size_t *_size);

/*
 * Copies a NUL-ended string in, once. *_string is the kernel's copy, to be
 * given back with user_string_free().
 * -EFAULT: not readable up to its NUL. -ENAMETOOLONG: no NUL in the first
 * USER_STRING_MAX bytes. -ENOMEM: no memory for the copy.
 */
int user_string_in(uintptr_t from, const char **_string);
void user_string_free(const char *string);

/*
 * Copies a NULL-ended array of strings in, once: the pointers and what they
 * point at. To be given back with user_strings_free().
 * -EFAULT, -ENOMEM as above; -E2BIG: more than USER_STRINGS_MAX bytes in all.
 */
int user_strings_in(uintptr_t from, const char *const **_strings);
void user_strings_free(const char *const *strings);

/*
 * What handlers use: `size` bytes at `offset` of the buffer.
 * -EFAULT when the range leaves the buffer or memory is not accessible; what is to be
 * written to such memory is not written in part.
 */
int user_in_read(struct user_in buffer, size_t offset, void *to, size_t size);
int user_out_write(struct user_out buffer, size_t offset, const void *from, size_t size);
int user_inout_read(struct user_inout buffer, size_t offset, void *to, size_t size);
int user_inout_write(
	struct user_inout buffer, size_t offset, const void *from, size_t size);
