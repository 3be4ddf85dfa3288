/* Lines of JSON, appended to a raw disk that the host reads. */
#include "guest.h"

static int disk = -1;
static char buffer[8 << 20];
static size_t used;

void report_open(const char *path)
{
	for (int i = 0; i < 200 && disk < 0; i++) {
		disk = open(path, O_WRONLY | O_CLOEXEC);
		if (disk < 0)
			usleep(10000);
	}
	if (disk < 0)
		printf("no %s\n", path);
}

void say(const char *format, ...)
{
	va_list list;
	va_start(list, format);
	int length = vsnprintf(buffer + used, sizeof buffer - used, format, list);
	va_end(list);
	if (length > 0 && used + length < sizeof buffer)
		used += length;
}

void say_text(const char *text, size_t length)
{
	say("\"");
	for (size_t i = 0; i < length; i++) {
		unsigned char c = text[i];
		if (c == '"' || c == '\\')
			say("\\%c", c);
		else if (c == '\n')
			say("\\n");
		else if (c < 32 || c > 126)
			say("\\u%04x", c);
		else
			say("%c", c);
	}
	say("\"");
}

void say_result(long result)
{
	say(",\"rc\":%ld", result < 0 ? -1 : result);
	if (result < 0) {
		const char *name = strerrorname_np(-result);
		say(",\"err\":\"%s\"", name ? name : "?");
	}
}

void say_flush(void)
{
	size_t done = 0;
	while (done < used) {
		ssize_t written = write(disk, buffer + done, used - done);
		if (written <= 0) {
			perror("report");
			break;
		}
		done += written;
	}
	used = 0;
}
