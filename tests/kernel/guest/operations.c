/* The operations of scripts, and their answers. tests/data/kernel-traces/README.md describes the operations. */
#include "guest.h"
#include <linux/fs.h>
#include <sys/ioctl.h>

#define HELD_MAX 64

static int held[HELD_MAX], holding;
static unsigned char *pages;
static char value[131072];

static long number(const char *text) { return strtoll(text, NULL, 0); }
static long or_errno(long result) { return result < 0 ? -errno : result; }

static void attribute_path(char *into, size_t size, const char *name)
{
	snprintf(into, size, "%s%s", name[0] == '/' ? "" : ZRAM, name);
}

static size_t decoded(const char *text)
{
	snprintf(value, sizeof value, "%s", text);
	return percent_decode(value);
}

static void op_store(char **arg)
{
	char path[256];
	attribute_path(path, sizeof path, arg[1]);
	size_t length = decoded(arg[2]);
	say_result(file_write(path, value, length));
}

static void op_show(char **arg)
{
	char path[256];
	attribute_path(path, sizeof path, arg[1]);
	ssize_t length = file_read(path, value, sizeof value);
	say_result(length);
	if (length >= 0) {
		say(",\"text\":");
		say_text(value, length);
	}
}

static void say_crcs(long bytes, long each)
{
	if (bytes <= 0)
		return;
	say(",\"crc\":[");
	for (long at = 0; at < bytes; at += each)
		say("%s\"%08x\"", at ? "," : "", crc32_of(pages + at, bytes - at < each ? bytes - at : each));
	say("]");
}

/* Move bytes to or from the node in one call. */
static long transfer(bool out, int flags, long bytes, off_t offset)
{
	int fd = open(NODE, O_RDWR | O_CLOEXEC | flags);
	if (fd < 0)
		return -errno;
	long result = or_errno(out ? pwrite(fd, pages, bytes, offset) : pread(fd, pages, bytes, offset));
	if (out && !(flags & O_DIRECT) && result >= 0 && fsync(fd))
		say(",\"text\":\"fsync %s\"", strerrorname_np(errno));
	close(fd);
	return result;
}

static void op_write(char **arg) /* PAGE COUNT PATTERN NUMBER NOISE */
{
	long count = number(arg[2]);
	bool same = !strcmp(arg[3], "same");
	for (long i = 0; i < count && i < PAGES_MAX; i++)
		page_fill(pages + i * PAGE, arg[3], strtoull(arg[4], NULL, 0) + (same ? 0 : i), atoi(arg[5]));
	say_result(transfer(true, O_DIRECT, count * PAGE, number(arg[1]) * PAGE));
}

static void op_read(char **arg) /* PAGE COUNT */
{
	long count = number(arg[2]);
	memset(pages, 0xEE, count * PAGE);
	long result = transfer(false, O_DIRECT, count * PAGE, number(arg[1]) * PAGE);
	say_result(result);
	say_crcs(result, PAGE);
}

static void op_bwrite(char **arg) /* OFFSET LENGTH SEED HOW */
{
	long length = number(arg[2]);
	for (long at = 0; at < length; at += PAGE)
		page_fill(pages + at, "rand", strtoull(arg[3], NULL, 0) + at / PAGE, 0);
	say_result(transfer(true, strcmp(arg[4], "direct") ? 0 : O_DIRECT, length, number(arg[1])));
}

static void op_bread(char **arg)
{
	long length = number(arg[2]);
	memset(pages, 0xEE, length);
	long result = transfer(false, strcmp(arg[4], "direct") ? 0 : O_DIRECT, length, number(arg[1]));
	say_result(result);
	say_crcs(result, result);
}

static void node_ioctl(unsigned long what, void *argument)
{
	int fd = open(NODE, O_RDWR | O_CLOEXEC);
	long result = fd < 0 ? -errno : or_errno(ioctl(fd, what, argument));
	if (fd >= 0)
		close(fd);
	say_result(result);
}

static void op_range(char **arg) /* discard | zeroout OFFSET LENGTH, in bytes */
{
	uint64_t range[2] = {strtoull(arg[1], NULL, 0), strtoull(arg[2], NULL, 0)};
	node_ioctl(arg[0][0] == 'd' ? BLKDISCARD : BLKZEROOUT, range);
}

static void op_flush(char **arg)
{
	(void)arg;
	node_ioctl(BLKFLSBUF, NULL);
}

static void op_getsize(char **arg)
{
	(void)arg;
	uint64_t bytes = 0;
	int logical = 0;
	unsigned physical = 0;
	int fd = open(NODE, O_RDONLY | O_CLOEXEC);
	long result = fd < 0 ? -errno : or_errno(ioctl(fd, BLKGETSIZE64, &bytes));
	if (fd >= 0) {
		ioctl(fd, BLKSSZGET, &logical);
		ioctl(fd, BLKPBSZGET, &physical);
		close(fd);
	}
	say_result(result);
	if (result >= 0)
		say(",\"text\":\"%llu %d %u\"", (unsigned long long)bytes, logical, physical);
}

static void op_hold(char **arg) /* hold | xhold (exclusively) | rhold (for reading) */
{
	int flags = arg[0][0] == 'x' ? O_RDWR | O_EXCL : arg[0][0] == 'r' ? O_RDONLY : O_RDWR;
	int fd = holding < HELD_MAX ? open(NODE, flags | O_CLOEXEC) : (errno = EMFILE, -1);
	if (fd >= 0)
		held[holding++] = fd;
	say_result(fd < 0 ? -errno : 0);
}

static void op_unhold(char **arg)
{
	(void)arg;
	operations_reset();
	say_result(0);
}

static void op_mkfile(char **arg) /* PATH BYTES SEED */
{
	long bytes = number(arg[2]), result = 0;
	unsigned char page[PAGE];
	int fd = open(arg[1], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0) {
		say_result(-errno);
		return;
	}
	for (long at = 0; at < bytes && result >= 0; at += PAGE) {
		page_fill(page, "rand", strtoull(arg[3], NULL, 0) + at / PAGE, 0);
		result = or_errno(write(fd, page, bytes - at < PAGE ? bytes - at : PAGE));
	}
	close(fd);
	say_result(result < 0 ? result : 0);
}

static void op_bg_store(char **arg)
{
	size_t length = decoded(arg[2]);
	const char *how = background_store(arg[1], value, length);
	say_result(0);
	say(",\"text\":");
	say_text(how, strlen(how));
}

static void op_dmtab(char **arg)
{
	decoded(arg[2]);
	say_result(dm_load(atoi(arg[1]), value));
}

static void op_disk(char **arg)
{
	int disk = atoi(arg[1]);
	if (disk < 0 || disk >= DISKS_MAX)
		say_result(-EINVAL);
	else if (!strcmp(arg[0], "mkbd"))
		say_result(loop_make(disk, number(arg[2])));
	else if (!strcmp(arg[0], "rmbd"))
		say_result(loop_remove(disk));
	else
		say_result(dm_suspend(disk, !strcmp(arg[0], "suspend")));
}

static void op_join(char **arg)
{
	(void)arg;
	say_result(background_join());
}

static void op_sleep(char **arg) /* MILLISECONDS */
{
	usleep(number(arg[1]) * 1000);
	say_result(0);
}

static const struct {
	const char *name;
	void (*run)(char **arg);
} operations[] = {
	{"store", op_store},   {"show", op_show},       {"write", op_write},       {"read", op_read},
	{"bwrite", op_bwrite}, {"bread", op_bread},     {"discard", op_range},     {"zeroout", op_range},
	{"flush", op_flush},   {"getsize", op_getsize}, {"hold", op_hold},         {"xhold", op_hold},
	{"rhold", op_hold},    {"unhold", op_unhold},   {"mkfile", op_mkfile},     {"mkbd", op_disk},
	{"rmbd", op_disk},     {"suspend", op_disk},    {"resume", op_disk},       {"dmtab", op_dmtab},
	{"join", op_join},     {"bg_store", op_bg_store}, {"sleep", op_sleep},
};

void operation_run(char *line)
{
	char *arg[ARGS_MAX] = {0}, *rest = NULL, none[] = "";
	int count = 0;
	for (char *word = strtok_r(line, " \n", &rest); word && count < ARGS_MAX; word = strtok_r(NULL, " \n", &rest))
		arg[count++] = word;
	while (count < ARGS_MAX)
		arg[count++] = none;
	if (!pages)
		pages = aligned_alloc(PAGE, PAGE * PAGES_MAX);
	for (size_t i = 0; i < sizeof operations / sizeof *operations; i++)
		if (!strcmp(arg[0], operations[i].name)) {
			operations[i].run(arg);
			return;
		}
	if (!workers_operation(arg) && !gate_operation(arg) && !tracing_operation(arg))
		say_result(-ENOSYS);
}

void operations_reset(void)
{
	while (holding)
		close(held[--holding]);
}
