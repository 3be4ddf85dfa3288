/*
 * Probes on the driver, by the kernel's own dynamic events: what /probes says is set, what was seen goes to a second
 * raw disk as the text that tracefs shows. Whatever did not work is in the answer; the host refuses the trace then.
 */
#include "guest.h"

#define TRACING "/sys/kernel/tracing/"
#define SYMBOLS_MAX 2048

static struct symbol {
	unsigned long address;
	char name[64];
} symbols[SYMBOLS_MAX];
static int known, marker = -1;

void mark(const char *format, ...)
{
	char text[256];
	va_list list;
	va_start(list, format);
	int length = vsnprintf(text, sizeof text, format, list);
	va_end(list);
	if (marker >= 0 && write(marker, text, length) < 0)
		perror("mark");
}

static long put(const char *file, const char *text)
{
	char path[256];
	snprintf(path, sizeof path, TRACING "%s", file);
	return file_write(path, text, strlen(text));
}

static long truncated(const char *file)
{
	char path[256];
	snprintf(path, sizeof path, TRACING "%s", file);
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static int by_address(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;
	return (x->address > y->address) - (x->address < y->address);
}

/* The functions of zram.ko, by address. */
static void read_symbols(void)
{
	char line[512], name[128], module[64], type;
	unsigned long address;
	known = 0;
	FILE *file = fopen("/proc/kallsyms", "re");
	while (file && fgets(line, sizeof line, file))
		if (sscanf(line, "%lx %c %127s [%63[^]]]", &address, &type, name, module) == 4 && !strcmp(module, "zram") &&
		    (type | 32) == 't' && known < SYMBOLS_MAX) {
			symbols[known].address = address;
			snprintf(symbols[known++].name, sizeof symbols->name, "%.63s", name);
		}
	if (file)
		fclose(file);
	qsort(symbols, known, sizeof *symbols, by_address);
}

static void say_symbols(void)
{
	say(",\"symbols\":{");
	for (int i = 0; i < known; i++)
		say("%s\"%s\":%lu", i ? "," : "", symbols[i].name, symbols[i].address);
	say("}");
}

/* A filter that lets through what is called from one of `callers`; false when there is no such function. */
static bool caller_filter(char *into, size_t size, char *callers)
{
	size_t length = 0;
	for (char *rest, *name = strtok_r(callers, " ", &rest); name; name = strtok_r(NULL, " ", &rest)) {
		bool found = false;
		for (int i = 0; i + 1 < known; i++)
			if (!strcmp(symbols[i].name, name)) {
				length += snprintf(into + length, size - length, "%s(ra >= 0x%lx && ra < 0x%lx)", length ? " || " : "",
						   symbols[i].address, symbols[i + 1].address);
				found = true;
			}
		if (!found)
			return false;
	}
	return true;
}

/* Set one probe, "name|definition|callers"; a negative errno says what did not work. */
static long set_probe(char *line)
{
	char *rest, *name = strtok_r(line, "|", &rest), *definition = strtok_r(NULL, "|\n", &rest),
	     *callers = strtok_r(NULL, "|\n", &rest), path[128], filter[2048];
	int fd = open(TRACING "dynamic_events", O_WRONLY | O_APPEND | O_CLOEXEC);
	long result = fd < 0 || write(fd, definition, strlen(definition)) < 0 ? -errno : 0;
	close(fd);
	if (result < 0)
		return result;
	if (callers && *callers) {
		if (!caller_filter(filter, sizeof filter, callers))
			return -ENOENT;
		snprintf(path, sizeof path, "events/zram/%s/filter", name);
		result = put(path, filter);
		if (result < 0)
			return result;
	}
	snprintf(path, sizeof path, "events/zram/%s/enable", name);
	result = put(path, "1");
	return result < 0 ? result : 0;
}

/* trace_on KILOBYTES: of buffer, for each processor. */
static void trace_on(char **arg)
{
	char line[1024];
	read_symbols();
	put("tracing_on", "0");
	put("events/enable", "0");
	truncated("dynamic_events");
	truncated("trace");
	long result = put("buffer_size_kb", arg[1]);
	if (result >= 0)
		result = put("trace_clock", "counter"); /* one order for all processors */
	if (result >= 0)
		result = put("options/overwrite", "0"); /* lose the newest: what there is has no gap */
	say_result(result < 0 ? result : 0);
	FILE *probes = fopen("/probes", "re");
	const char *comma = "";
	say(",\"probes\":{");
	while (probes && fgets(line, sizeof line, probes)) {
		char name[64];
		if (line[0] == '\n' || sscanf(line, "%63[^|]", name) != 1)
			continue;
		say("%s\"%s\":%ld", comma, name, set_probe(line));
		comma = ",";
	}
	if (probes)
		fclose(probes);
	say("}");
	say_symbols();
	if (marker < 0)
		marker = open(TRACING "trace_marker", O_WRONLY | O_CLOEXEC);
	put("tracing_on", "1");
}

/* Append a file to the second disk, after 64 bytes that say its name and length. */
static long keep(const char *name, const char *path)
{
	static char buffer[1 << 20];
	static int disk = -1;
	static off_t end;
	char header[65];
	off_t at = end + 64;
	if (disk < 0)
		disk = open("/dev/vdb", O_WRONLY | O_CLOEXEC);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (disk < 0 || fd < 0)
		return -errno;
	ssize_t got;
	while ((got = read(fd, buffer, sizeof buffer)) > 0) {
		if (pwrite(disk, buffer, got, at) != got) {
			close(fd);
			return -ENOSPC;
		}
		at += got;
	}
	close(fd);
	long length = at - end - 64;
	snprintf(header, sizeof header, "%-40.40s%23ld\n", name, length);
	if (pwrite(disk, header, 64, end) != 64)
		return -ENOSPC;
	end = at;
	fsync(disk);
	return got < 0 ? -errno : length;
}

static void say_statistics(void)
{
	char path[128], text[1024];
	say(",\"stats\":[");
	for (int cpu = 0; cpu < 16; cpu++) {
		snprintf(path, sizeof path, TRACING "per_cpu/cpu%d/stats", cpu);
		ssize_t length = file_read(path, text, sizeof text);
		if (length <= 0)
			break;
		say("%s", cpu ? "," : "");
		say_text(text, length);
	}
	say("],\"missed\":{");
	FILE *profile = fopen(TRACING "kprobe_profile", "re");
	unsigned long hits, missed;
	char event[128];
	for (const char *comma = ""; profile && fscanf(profile, "%127s %lu %lu", event, &hits, &missed) == 3; comma = ",")
		say("%s\"%s\":%lu", comma, event, missed);
	if (profile)
		fclose(profile);
	say("}");
}

/* trace_off NAME */
static void trace_off(char **arg)
{
	put("tracing_on", "0");
	put("events/enable", "0");
	say_result(keep(arg[1], TRACING "trace"));
	say_statistics();
	truncated("dynamic_events");
	truncated("trace");
}

bool tracing_operation(char **arg)
{
	if (!strcmp(arg[0], "trace_on"))
		trace_on(arg);
	else if (!strcmp(arg[0], "trace_off"))
		trace_off(arg);
	else if (!strcmp(arg[0], "keep")) /* keep NAME PATH */
		say_result(keep(arg[1], arg[2]));
	else
		return false;
	return true;
}
