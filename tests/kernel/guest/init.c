/*
 * PID 1: load the modules, run each script of /seq/list against a freshly loaded driver, one JSON line an operation,
 * and switch the machine off.
 */
#include "guest.h"
#include <dirent.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

static const char *script = "";

static void mount_all(void)
{
	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mkdir("/bd", 0755);
	mount("proc", "/proc", "proc", 0, 0);
	mount("sysfs", "/sys", "sysfs", 0, 0);
	mount("devtmpfs", "/dev", "devtmpfs", 0, 0);
	mount("debugfs", "/sys/kernel/debug", "debugfs", 0, 0);
	mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, 0);
	mount("tmpfs", "/bd", "tmpfs", 0, "size=96m");
	int console = open("/dev/console", O_RDWR);
	for (int fd = 0; console >= 0 && fd < 3; fd++)
		dup2(console, fd);
	if (console > 2)
		close(console);
}

static void load_modules(void)
{
	char name[128];
	FILE *list = fopen("/modules.list", "re");
	while (list && fgets(name, sizeof name, list)) {
		name[strcspn(name, "\n")] = 0;
		int result = strcmp(name, "zram") ? module_load(name, "") : 0;
		if (result && result != -EEXIST)
			printf("module %s: %s\n", name, strerror(-result));
	}
	if (list)
		fclose(list);
}

static int by_name(const void *a, const void *b) { return strcmp(a, b); }

static void say_meta(long loaded)
{
	struct utsname name;
	static char names[64][64];
	int count = 0;
	uname(&name);
	say("{\"meta\":{\"release\":\"%s\",\"version\":\"%s\",\"machine\":\"%s\",\"zram_load\":%ld,\"attrs\":[", name.release,
	    name.version, name.machine, loaded);
	DIR *directory = opendir(ZRAM);
	struct stat found;
	for (struct dirent *entry; directory && count < 64 && (entry = readdir(directory));)
		if (!fstatat(dirfd(directory), entry->d_name, &found, 0) && S_ISREG(found.st_mode))
			snprintf(names[count++], sizeof *names, "%.63s", entry->d_name);
	if (directory)
		closedir(directory);
	qsort(names, count, sizeof *names, by_name);
	for (int i = 0; i < count; i++)
		say("%s\"%s\"", i ? "," : "", names[i]);
	say("]}}\n");
	say_flush();
}

/* Lines of the kernel's log since last time. */
static void say_log(int log)
{
	static char text[8192];
	ssize_t length;
	while (log >= 0 && ((length = read(log, text, sizeof text - 1)) > 0 || errno == EPIPE)) {
		if (length <= 0)
			continue; /* EPIPE: lines were overwritten; the next read has the oldest left */
		text[length] = 0;
		char *message = strchr(text, ';');
		if (!message || !*script)
			continue;
		message[strcspn(message, "\n")] = 0;
		say("{\"seq\":\"%s\",\"level\":%d,\"kmsg\":", script, atoi(text) & 7);
		say_text(message + 1, strlen(message + 1));
		say("}\n");
	}
}

static void not_undone(const char *what, long error)
{
	say("{\"seq\":\"%s\",\"teardown\":\"%s\",\"err\":\"%s\"}\n", script, what, strerrorname_np(-error));
}

static void load_driver(void)
{
	long result = module_load("zram", "num_devices=1");
	for (int i = 0; i < 400 && access(NODE, F_OK); i++)
		usleep(2500);
	if (result)
		not_undone("insmod", result);
}

static void undo_everything(void)
{
	long result = -EAGAIN;
	operations_reset();
	gate_remove();
	disks_resume();
	if (background_runs())
		background_join();
	for (int i = 0; i < 200 && result; i++) {
		result = syscall(SYS_delete_module, "zram", O_NONBLOCK) < 0 ? -errno : 0;
		if (result)
			usleep(5000);
	}
	if (result)
		not_undone("rmmod", result);
	disks_remove(not_undone);
}

static void run(const char *name, int log)
{
	static char line[262144];
	char path[256];
	snprintf(path, sizeof path, "/seq/%s", name);
	FILE *file = fopen(path, "re");
	if (!file)
		return;
	script = name;
	double began = milliseconds();
	load_driver();
	say("{\"seq\":\"%s\",\"i\":-1,\"rc\":0", name);
	say_state();
	say("}\n");
	int number = 0;
	for (; fgets(line, sizeof line, file); number++) {
		say("{\"seq\":\"%s\",\"i\":%d", name, number);
		operation_run(line);
		say_state();
		say("}\n");
		say_flush();
	}
	fclose(file);
	undo_everything();
	say_log(log);
	say("{\"seq\":\"%s\",\"done\":%d,\"ms\":%.0f}\n", name, number, milliseconds() - began);
	say_flush();
}

int main(void)
{
	mount_all();
	load_modules();
	report_open("/dev/vda");
	int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	say_meta(module_load("zram", "num_devices=1"));
	syscall(SYS_delete_module, "zram", O_NONBLOCK);
	say_log(log);
	char name[128];
	FILE *list = fopen("/seq/list", "re");
	while (list && fgets(name, sizeof name, list)) {
		name[strcspn(name, "\n")] = 0;
		run(name, log);
	}
	say("{\"end\":1}\n");
	say_flush();
	sync();
	reboot(RB_AUTOBOOT); /* qemu runs with -no-reboot */
	return 0;
}
