/* Small things about files, pages and processes. */
#include "guest.h"
#include <sys/syscall.h>
#include <time.h>

#define CHUNK 8192 /* the driver allocates as much as it is asked for */

ssize_t file_read(const char *path, char *into, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ssize_t total = 0, got;
	while ((size_t)total < size - 1) {
		size_t left = size - 1 - total;
		got = read(fd, into + total, left < CHUNK ? left : CHUNK);
		if (!got)
			break;
		if (got < 0) {
			if (!total)
				total = -errno;
			break;
		}
		total += got;
	}
	close(fd);
	into[total > 0 ? total : 0] = 0;
	return total;
}

long file_write(const char *path, const char *value, size_t length)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	long written = write(fd, value, length);
	if (written < 0)
		written = -errno;
	close(fd);
	return written;
}

static int digit(int c) { return c <= '9' ? c - '0' : (c | 32) - 'a' + 10; }

size_t percent_decode(char *text)
{
	char *to = text, *begin = text;
	for (; *text; text++) {
		if (*text == '%') {
			*to++ = digit(text[1]) * 16 + digit(text[2]);
			text += 2;
		} else
			*to++ = *text;
	}
	*to = 0;
	return to - begin;
}

/* The generator of the recordings: see "Pages" in tests/data/kernel-traces/README.md. */
static void generate(unsigned char *into, uint64_t seed, int length)
{
	uint64_t state = seed * 0x9E3779B97F4A7C15ull + 0x1234567887654321ull;
	if (!state)
		state = 1;
	for (int i = 0; i < length; i += 8) {
		state ^= state >> 12;
		state ^= state << 25;
		state ^= state >> 27;
		uint64_t word = state * 0x2545F4914F6CDD1Dull;
		memcpy(into + i, &word, 8);
	}
}

void page_fill(unsigned char *page, const char *pattern, uint64_t number, int noise)
{
	memset(page, 0, PAGE);
	if (!strcmp(pattern, "same"))
		for (int i = 0; i < PAGE; i += 8)
			memcpy(page + i, &number, 8);
	else if (!strcmp(pattern, "comp"))
		generate(page, number, noise);
	else if (!strcmp(pattern, "rand"))
		generate(page, number, PAGE);
}

uint32_t crc32_of(const unsigned char *data, size_t length)
{
	static uint32_t table[256];
	if (!table[1])
		for (uint32_t i = 0; i < 256; i++) {
			uint32_t c = i;
			for (int k = 0; k < 8; k++)
				c = c & 1 ? 0xEDB88320u ^ (c >> 1) : c >> 1;
			table[i] = c;
		}
	uint32_t c = ~0u;
	while (length--)
		c = table[(c ^ *data++) & 255] ^ (c >> 8);
	return ~c;
}

bool is_zero(const unsigned char *data, size_t length)
{
	return !length || (!data[0] && !memcmp(data, data + 1, length - 1));
}

char process_state(pid_t pid)
{
	char path[64], text[512];
	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	ssize_t length = file_read(path, text, sizeof text);
	char *after = length > 0 ? strrchr(text, ')') : NULL;
	return after ? after[2] : '?';
}

double milliseconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

int module_load(const char *name, const char *arguments)
{
	char path[128];
	snprintf(path, sizeof path, "/mods/%s.ko", name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int result = syscall(SYS_finit_module, fd, arguments, 0);
	if (result < 0)
		result = -errno;
	close(fd);
	return result;
}
