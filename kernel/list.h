/*
 * Doubly linked lists whose links are in the things that are listed, so that
 * putting something on a list never needs memory. A list's head is a link
 * itself; an empty list's points at itself.
 */
#pragma once

#include <postern/types.h>

struct list {
	struct list *next;
	struct list *previous;
};

/* The thing of type `type` whose member `member` is `link`. */
#define LIST_ENTRY(link, type, member)                                                   \
	((type *)(void *)((char *)(link)-offsetof(type, member)))

#define LIST_FOR_EACH(link, head)                                                        \
	for (struct list *link = (head)->next; link != (head); link = link->next)

/* The same, where the body may take `link` off the list. */
#define LIST_FOR_EACH_SAFE(link, following, head)                                        \
	for (struct list *link = (head)->next, *following = link->next; link != (head);      \
		 link = following, following = link->next)

static inline void list_init(struct list *head)
{
	head->next = head;
	head->previous = head;
}

static inline bool list_empty(const struct list *head)
{
	return head->next == head;
}

static inline void list_insert_before(struct list *link, struct list *where)
{
	link->next = where;
	link->previous = where->previous;
	where->previous->next = link;
	where->previous = link;
}

/*
 * A list of a hash table, which is so many bytes of zeros at first: each list is made
 * when it is first asked for. Whatever guards the table is held.
 */
static inline struct list *list_made(struct list *slot)
{
	if (slot->next == NULL)
		list_init(slot);
	return slot;
}

/* Puts `link` at the list's end. */
static inline void list_add(struct list *head, struct list *link)
{
	list_insert_before(link, head);
}

/* Takes `link` off its list; doing so twice is harmless. */
static inline void list_remove(struct list *link)
{
	link->previous->next = link->next;
	link->next->previous = link->previous;
	list_init(link);
}
