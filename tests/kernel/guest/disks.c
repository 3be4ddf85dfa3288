/* Loop devices over files in /bd, and device-mapper devices over those. */
#include "guest.h"
#include <linux/dm-ioctl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>

static struct disk {
	bool loop, dm, suspended;
	long bytes;
	unsigned char *data; /* the file, mapped */
	unsigned char *seen; /* what it was when it was last looked at */
	uint32_t *crc;       /* of each block of `seen`; 0 for zeros */
} disks[DISKS_MAX];
static int control = -1;

static int open_pair(int number, int *loop)
{
	char file[64], device[64];
	snprintf(file, sizeof file, "/bd/%d", number);
	snprintf(device, sizeof device, "/dev/loop%d", number);
	int fd = open(file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	*loop = fd < 0 ? -1 : open(device, O_RDWR | O_CLOEXEC);
	return fd;
}

static void forget_contents(struct disk *disk)
{
	if (disk->data)
		munmap(disk->data, disk->bytes);
	free(disk->seen);
	free(disk->crc);
	disk->data = disk->seen = NULL;
	disk->crc = NULL;
}

long loop_make(int number, long bytes)
{
	struct disk *disk = &disks[number];
	int loop, file = open_pair(number, &loop);
	long result = file < 0 || loop < 0 || ftruncate(file, bytes) ? -errno : 0;
	if (!result && ioctl(loop, LOOP_SET_FD, file) < 0)
		result = -errno;
	if (!result) {
		forget_contents(disk);
		disk->loop = true;
		disk->bytes = bytes;
		disk->data = bytes ? mmap(NULL, bytes, PROT_READ, MAP_SHARED, file, 0) : NULL;
		disk->seen = calloc(bytes / PAGE + 1, PAGE);
		disk->crc = calloc(bytes / PAGE + 1, sizeof *disk->crc);
	} else if (disk->loop && file >= 0) /* it was attached, and has been emptied */
		result = ftruncate(file, disk->bytes) ? -errno : result;
	if (loop >= 0)
		close(loop);
	if (file >= 0)
		close(file);
	return result;
}

long loop_remove(int number)
{
	char path[64];
	snprintf(path, sizeof path, "/dev/loop%d", number);
	int loop = open(path, O_RDWR | O_CLOEXEC);
	long result = loop < 0 || ioctl(loop, LOOP_CLR_FD, 0) < 0 ? -errno : 0;
	if (loop >= 0)
		close(loop);
	snprintf(path, sizeof path, "/bd/%d", number);
	unlink(path);
	forget_contents(&disks[number]);
	disks[number].loop = false;
	return result;
}

void say_disks(void)
{
	bool first = true;
	say("{");
	for (int k = 0; k < DISKS_MAX; k++) {
		struct disk *disk = &disks[k];
		if (!disk->loop)
			continue;
		say("%s\"%d\":[", first ? "" : ",", k);
		first = false;
		for (long b = 0; (b + 1) * PAGE <= disk->bytes; b++) {
			unsigned char *now = disk->data + b * PAGE, *before = disk->seen + b * PAGE;
			if (memcmp(now, before, PAGE)) { /* CRCs are slow in an emulated machine */
				memcpy(before, now, PAGE);
				disk->crc[b] = is_zero(before, PAGE) ? 0 : crc32_of(before, PAGE);
			}
			if (is_zero(before, PAGE))
				say("%s0", b ? "," : "");
			else
				say("%s\"%08x\"", b ? "," : "", disk->crc[b]);
		}
		say("]");
	}
	say("}");
}

static struct dm_ioctl *request(int number, unsigned flags)
{
	static union {
		char bytes[32768];
		struct dm_ioctl header;
	} buffer;
	memset(&buffer, 0, sizeof buffer);
	buffer.header.version[0] = DM_VERSION_MAJOR;
	buffer.header.data_size = sizeof buffer;
	buffer.header.data_start = sizeof buffer.header;
	buffer.header.flags = flags;
	snprintf(buffer.header.name, sizeof buffer.header.name, "bd%d", number);
	return &buffer.header;
}

static long ask(unsigned long what, struct dm_ioctl *header) { return ioctl(control, what, header) < 0 ? -errno : 0; }

long dm_suspend(int number, bool on)
{
	long result = ask(DM_DEV_SUSPEND, request(number, on ? DM_SUSPEND_FLAG : 0));
	if (!result)
		disks[number].suspended = on;
	return result;
}

/* `table` has a line per target: first sector, sectors, type, arguments. */
static long load(int number, char *table)
{
	struct dm_ioctl *header = request(number, 0);
	char *to = (char *)header + header->data_start, *rest = NULL;
	for (char *line = strtok_r(table, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		struct dm_target_spec *target = (struct dm_target_spec *)to;
		unsigned long long start, length;
		int at = 0;
		if (sscanf(line, "%llu %llu %15s %n", &start, &length, target->target_type, &at) < 3)
			return -EINVAL;
		target->sector_start = start;
		target->length = length;
		char *arguments = to + sizeof *target;
		strcpy(arguments, at ? line + at : "");
		target->next = (sizeof *target + strlen(arguments) + 8) & ~7ul;
		to += target->next;
		header->target_count++;
	}
	return ask(DM_TABLE_LOAD, header);
}

long dm_load(int number, char *table)
{
	struct disk *disk = &disks[number];
	if (control < 0)
		control = open("/dev/mapper/control", O_RDWR | O_CLOEXEC);
	if (control < 0)
		return -errno;
	if (!disk->dm) {
		struct dm_ioctl *header = request(number, DM_PERSISTENT_DEV_FLAG);
		header->dev = makedev(0, number); /* the major number is dynamic: only the minor one counts */
		long result = ask(DM_DEV_CREATE, header);
		if (result)
			return result;
		disk->dm = true;
	}
	long result = load(number, table);
	if (!result && !disk->suspended)
		result = dm_suspend(number, true);
	if (!result)
		result = dm_suspend(number, false); /* resuming is what makes a table the one in use */
	char node[32];
	snprintf(node, sizeof node, "/dev/dm-%d", number);
	return !result && access(node, F_OK) ? -errno : result;
}

void disks_resume(void)
{
	for (int k = 0; k < DISKS_MAX; k++)
		if (disks[k].dm && disks[k].suspended)
			dm_suspend(k, false);
}

void disks_remove(void (*failed)(const char *what, long error))
{
	for (int k = 0; k < DISKS_MAX; k++)
		if (disks[k].dm) {
			long result = ask(DM_DEV_REMOVE, request(k, 0));
			if (result)
				failed("dm", result);
			disks[k].dm = disks[k].suspended = false;
		}
	for (int k = 0; k < DISKS_MAX; k++)
		if (disks[k].loop) {
			long result = loop_remove(k);
			if (result)
				failed("loop", result);
		}
}
