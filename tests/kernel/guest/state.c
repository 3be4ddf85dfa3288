/* Everything the driver shows about a device, after each operation. */
#include "guest.h"
#include <time.h>

static void say_attribute(const char *key, const char *attribute)
{
	char text[512], path[256];
	snprintf(path, sizeof path, ZRAM "%s", attribute);
	ssize_t length = file_read(path, text, sizeof text);
	say(",\"%s\":", key);
	if (length <= 0) {
		say("null");
		return;
	}
	if (text[length - 1] == '\n')
		text[--length] = 0;
	if (length && strspn(text, "0123456789") == (size_t)length)
		say("%s", text);
	else
		say_text(text, length);
}

static void say_columns(const char *key, const char *attribute)
{
	char text[4096], path[256];
	snprintf(path, sizeof path, ZRAM "%s", attribute);
	ssize_t length = file_read(path, text, sizeof text);
	say(",\"%s\":", key);
	if (length < 0) {
		say("null");
		return;
	}
	const char *comma = "";
	say("[");
	for (char *rest, *word = strtok_r(text, " \n\t", &rest); word; word = strtok_r(NULL, " \n\t", &rest)) {
		say("%s%s", comma, word);
		comma = ",";
	}
	say("]");
}

/* block_state: the marks of each allocated page, and when it was last accessed. */
static void say_marks(void)
{
	static char text[4 << 20], times[1 << 20];
	size_t length = 0;
	const char *comma = "";
	say(",\"bs\":");
	if (file_read("/sys/kernel/debug/zram/zram0/block_state", text, sizeof text) < 0) {
		say("null");
		return;
	}
	times[0] = 0;
	say("{");
	for (char *rest, *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		unsigned long page;
		char when[64], marks[64];
		if (sscanf(line, " %lu %63s %63s", &page, when, marks) != 3)
			continue;
		say("%s\"%lu\":\"%s\"", comma, page, marks);
		if (length < sizeof times - 64)
			length += sprintf(times + length, "%s\"%lu\":%ld", comma, page, atol(when));
		comma = ",";
	}
	say("},\"ts\":{%s}", times);
}

void say_state(void)
{
	if (background_runs())
		return; /* what is shown would wait for the store */
	say_columns("mm", "mm_stat");
	say_columns("bd", "bd_stat");
	say_columns("io", "io_stat");
	say_attribute("wl", "writeback_limit");
	say_attribute("wle", "writeback_limit_enable");
	say_attribute("wbs", "writeback_batch_size");
	say_attribute("cw", "compressed_writeback");
	say_attribute("init", "initstate");
	say_attribute("ds", "disksize");
	say_attribute("bk", "backing_dev");
	say_marks();
	struct timespec now;
	clock_gettime(CLOCK_BOOTTIME, &now);
	say(",\"clk\":%.3f,\"blk\":", now.tv_sec + now.tv_nsec / 1e9);
	say_disks();
}
