/*
 * Closures on threads: each thread gets a copy of its context, adds its part to
 * a sum that a mutex keeps, and ends by returning from its function.
 */
#include <postern/print.h>
#include <postern/sync.h>
#include <postern/thread.h>

#define THREADS 4

struct part {
	int number;
	int first, last; /* what it adds up */
};

static struct mutex sLock;
static int sSum;

static int add_part(void *context)
{
	const struct part *part = context;
	int sum = 0;
	int i;

	for (i = part->first; i <= part->last; i++)
		sum += i;
	mutex_lock(&sLock);
	sSum += sum;
	print("thread %d: %d to %d make %d\n", part->number, part->first, part->last, sum);
	mutex_unlock(&sLock);
	return sum;
}

int main(void)
{
	tid_t threads[THREADS];
	int check = 0;
	int i;

	for (i = 0; i < THREADS; i++) {
		struct part part = {.number = i, .first = i * 25 + 1, .last = i * 25 + 25};

		threads[i] = thread_start(add_part, &part, sizeof part);
		if (threads[i] < 0) {
			print("thread_start: error %d\n", -threads[i]);
			return 1;
		}
	}
	for (i = 0; i < THREADS; i++) {
		int sum;

		if (thread_join(threads[i], &sum) != 0)
			return 1;
		check += sum;
	}
	print("1 to %d make %d\n", THREADS * 25, sSum);
	return sSum == check ? 0 : 1;
}
