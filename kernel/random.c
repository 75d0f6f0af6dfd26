/* Numbers that differ; see random.h. */
#include "kernel/random.h"
#include "kernel/arch.h"
#include "kernel/lock.h"
#include "kernel/string.h"

static struct spinlock sLock = SPINLOCK("random", RANK_FILES);
static uint64_t sState;

/* SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators,
 * 2014). */
static uint64_t next(void)
{
	uint64_t z = sState += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

void random_fill(void *to, size_t size)
{
	char *at = to;

	spin_lock(&sLock);
	sState += (uint64_t)arch_system_time() ^ arch_cycles();
	while (size > 0) {
		uint64_t value = next();
		size_t count = size < sizeof value ? size : sizeof value;

		memcpy(at, &value, count);
		at += count;
		size -= count;
	}
	spin_unlock(&sLock);
}
