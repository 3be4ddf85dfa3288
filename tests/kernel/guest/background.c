/* What runs beside the script: stores, and workers that use the device at random. */
#include "guest.h"
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define WORKERS_MAX 16
#define STORES_MAX 4

/* Stores, the one that began first in front; one behind another waits for what the driver holds during a pass. */
static struct {
	pid_t pid;
	int pipe;
} stores[STORES_MAX];
static int storing;

bool background_runs(void) { return storing; }

/* Begin a store in a child; return once it waits in the kernel, or is done. */
const char *background_store(const char *attribute, const char *value, size_t length)
{
	int ends[2];
	if (storing == STORES_MAX || pipe(ends))
		return "refused";
	fflush(NULL);
	pid_t child = fork();
	if (!child) {
		char path[256];
		snprintf(path, sizeof path, ZRAM "%s", attribute);
		long result = file_write(path, value, length);
		if (write(ends[1], &result, sizeof result) < 0)
			perror("store");
		_exit(0);
	}
	close(ends[1]);
	stores[storing].pid = child;
	stores[storing++].pipe = ends[0];
	/* Blocked is who is seen in D state several times on end: it sleeps there for moments anyway. */
	for (int i = 0, waiting = 0; i < 1000; i++) {
		usleep(5000);
		char state = process_state(child);
		if (state == 'Z' || state == '?')
			return "done";
		waiting = state == 'D' ? waiting + 1 : 0;
		if (waiting >= 20)
			return "blocked";
	}
	return "running";
}

/* Wait for the store that began first. */
long background_join(void)
{
	long result = -ETIMEDOUT;
	if (!storing)
		return -ECHILD;
	if (read(stores[0].pipe, &result, sizeof result) < 0)
		perror("join");
	close(stores[0].pipe);
	waitpid(stores[0].pid, NULL, 0);
	storing--;
	memmove(stores, stores + 1, storing * sizeof *stores);
	return result;
}

/* Direct reads of one page that wait at the gate; joined in the order in which they began. */
static pid_t readers[WORKERS_MAX];
static int reader_pipes[WORKERS_MAX], reading;

static long begin_read(long index)
{
	int ends[2];
	if (reading == WORKERS_MAX || pipe(ends))
		return -errno;
	readers[reading] = fork();
	if (!readers[reading]) {
		unsigned char *page = aligned_alloc(PAGE, PAGE);
		long result[2] = {-1, 0};
		int fd = open(NODE, O_RDONLY | O_DIRECT | O_CLOEXEC);
		result[0] = fd < 0 ? -errno : pread(fd, page, PAGE, index * PAGE);
		if (result[0] < 0)
			result[0] = -errno;
		else
			result[1] = crc32_of(page, result[0]);
		if (write(ends[1], result, sizeof result) < 0)
			perror("read");
		_exit(0);
	}
	close(ends[1]);
	reader_pipes[reading++] = ends[0];
	return 0;
}

static void join_read(void)
{
	long result[2] = {-ECHILD, 0};
	if (reading) {
		if (read(reader_pipes[0], result, sizeof result) != sizeof result)
			result[0] = -EPIPE;
		close(reader_pipes[0]);
		waitpid(readers[0], NULL, 0);
		reading--;
		memmove(readers, readers + 1, reading * sizeof *readers);
		memmove(reader_pipes, reader_pipes + 1, reading * sizeof *reader_pipes);
	}
	say_result(result[0]);
	if (result[0] > 0)
		say(",\"crc\":[\"%08lx\"]", result[1]);
}

static pid_t workers[WORKERS_MAX];
static int outcomes[WORKERS_MAX], working;

struct outcome {
	long foreign, failed;
};

static uint64_t draw(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return (*state * 0x2545F4914F6CDD1Dull) >> 16;
}

/* Read one page; each carries its own number plus one, so that a page that is another's is noticed. */
static void read_one(int fd, unsigned char *page, long index, struct outcome *outcome)
{
	uint64_t first;
	memset(page, 0xEE, PAGE);
	if (pread(fd, page, PAGE, index * PAGE) != PAGE) {
		outcome->failed++;
		mark("U eio %ld", index);
		return;
	}
	memcpy(&first, page, 8);
	if (first && (uint32_t)first != (uint32_t)index + 1) {
		outcome->foreign++;
		mark("U foreign %ld got %ld", index, (long)(uint32_t)first - 1);
	}
}

static void write_one(int fd, unsigned char *page, long index, uint64_t random, long turn, struct outcome *outcome)
{
	uint64_t stamp = (uint64_t)turn << 32 | (uint32_t)(index + 1);
	int kind = random % 8;
	if (!kind)
		page_fill(page, "same", stamp, 0);
	else
		page_fill(page, kind < 3 ? "rand" : "comp", random, 1000 + 300 * (random % 5) / 8 * 8);
	memcpy(page, &stamp, 8);
	outcome->failed += pwrite(fd, page, PAGE, index * PAGE) != PAGE;
}

struct work {
	int number;
	long turns, low, high, reads, discards; /* reads and discards in percent */
	uint64_t seed;
};

static void work(struct work *job)
{
	char name[16];
	struct outcome outcome = {0};
	snprintf(name, sizeof name, "user%d", job->number);
	prctl(PR_SET_NAME, name);
	unsigned char *page = aligned_alloc(PAGE, PAGE);
	int fd = open(NODE, O_RDWR | O_DIRECT | O_CLOEXEC);
	uint64_t state = job->seed * 0x9E3779B97F4A7C15ull + job->number + 1;
	for (long turn = 0; turn < job->turns; turn++) {
		uint64_t random = draw(&state);
		long index = job->low + random % (job->high - job->low), percent = (random >> 24) % 100;
		if (percent < job->reads)
			read_one(fd, page, index, &outcome);
		else if (percent < job->reads + job->discards) {
			uint64_t range[2] = {index * PAGE, PAGE};
			outcome.failed += ioctl(fd, BLKDISCARD, range) < 0;
		} else
			write_one(fd, page, index, random >> 31, turn, &outcome);
	}
	if (write(outcomes[job->number], &outcome, sizeof outcome) < 0)
		perror("work");
	_exit(0);
}

/* workers N TURNS SEED LOW:HIGH READS% DISCARDS% */
static long begin_work(char **arg)
{
	struct work job = {.turns = atol(arg[2]), .seed = atol(arg[3]), .reads = atol(arg[5]), .discards = atol(arg[6])};
	sscanf(arg[4], "%ld:%ld", &job.low, &job.high);
	for (working = 0; working < atoi(arg[1]) && working < WORKERS_MAX; working++) {
		int ends[2];
		if (pipe(ends))
			return -errno;
		outcomes[working] = ends[1];
		job.number = working;
		workers[working] = fork();
		if (!workers[working])
			work(&job);
		close(ends[1]);
		outcomes[working] = ends[0];
	}
	return 0;
}

static bool anybody_works(void)
{
	bool found = false;
	for (int i = 0; i < working; i++) {
		char state = process_state(workers[i]);
		found |= state != 'Z' && state != '?';
	}
	return found;
}

/* passes VALUE MOST: mark idle and write back, again and again until every worker is done, or MOST times. */
static long run_passes(char **arg)
{
	long passes = 0, most = atol(arg[2]) ? atol(arg[2]) : 1 << 30, failed = 0;
	size_t length = percent_decode(arg[1]);
	do {
		file_write(ZRAM "idle", "all", 3);
		failed += file_write(ZRAM "writeback", arg[1], length) < 0;
		passes++;
	} while (passes < most && anybody_works());
	say(",\"failed\":%ld", failed);
	return passes;
}

static long end_work(void)
{
	struct outcome sum = {0}, one;
	for (; working; working--) {
		if (read(outcomes[working - 1], &one, sizeof one) == sizeof one) {
			sum.foreign += one.foreign;
			sum.failed += one.failed;
		}
		close(outcomes[working - 1]);
		waitpid(workers[working - 1], NULL, 0);
	}
	say(",\"foreign\":%ld,\"failed\":%ld", sum.foreign, sum.failed);
	return 0;
}

bool workers_operation(char **arg)
{
	if (!strcmp(arg[0], "bg_read"))
		say_result(begin_read(atol(arg[1])));
	else if (!strcmp(arg[0], "join_read"))
		join_read();
	else if (!strcmp(arg[0], "workers"))
		say_result(begin_work(arg));
	else if (!strcmp(arg[0], "passes"))
		say_result(run_passes(arg));
	else if (!strcmp(arg[0], "end_work"))
		say_result(end_work());
	else
		return false;
	return true;
}
