/*
 * A backing device whose every answer the script decides: a server for nbd.ko in a process of its own, over a Unix
 * socket. A request that is held is answered when the script says so, in any order, with success or EIO.
 *
 *   nbd BLOCKS            make /dev/nbd0
 *   gate r|w|rw|none      hold reads, writes, both, or neither from now on
 *   pending N             wait until N requests are held; the text names them: r0 w3 (kind and block)
 *   go NUMBER|all [EIO]   answer a held request, the oldest is 0, or all of them
 *
 * A read takes its bytes when it is answered, as a device that is slow does.
 */
#include "guest.h"
#include <linux/nbd.h> /* ioctls and commands alone: the names of the messages' fields are not the same everywhere */
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define HELD_MAX 256
#define BLOCKS_MAX 4096

/* The messages of the protocol; numbers are big-endian. */
struct message {
	uint32_t magic, type;
	char cookie[8];
	uint64_t from;
	uint32_t length;
} __attribute__((packed));
struct answer {
	uint32_t magic, error;
	char cookie[8];
} __attribute__((packed));

static struct shared {
	volatile int hold_reads, hold_writes, count;
	struct held {
		struct message message;
		unsigned char data[PAGE];
	} held[HELD_MAX];
} *shared;
static pid_t server, client;
static int orders = -1, done = -1, device = -1;

static bool whole(int fd, void *into, size_t length, bool out)
{
	for (size_t at = 0; at < length;) {
		ssize_t moved = out ? write(fd, (char *)into + at, length - at) : read(fd, (char *)into + at, length - at);
		if (moved <= 0)
			return false;
		at += moved;
	}
	return true;
}

static uint64_t swapped(uint64_t value) { return __builtin_bswap64(value); }

static bool answer(int socket, unsigned char *store, struct held *held, uint32_t error)
{
	struct answer reply = {.magic = htobe32(NBD_REPLY_MAGIC), .error = htobe32(error)};
	uint64_t from = swapped(held->message.from);
	uint32_t length = __builtin_bswap32(held->message.length), kind = __builtin_bswap32(held->message.type) & 0xffff;
	memcpy(reply.cookie, held->message.cookie, sizeof reply.cookie);
	if (kind == NBD_CMD_WRITE && !error)
		memcpy(store + from, held->data, length);
	if (!whole(socket, &reply, sizeof reply, true))
		return false;
	return kind != NBD_CMD_READ || error || whole(socket, store + from, length, true);
}

static bool take_request(int socket, unsigned char *store)
{
	struct held *held = &shared->held[shared->count];
	if (!whole(socket, &held->message, sizeof held->message, false))
		return false;
	uint32_t length = __builtin_bswap32(held->message.length), kind = __builtin_bswap32(held->message.type) & 0xffff;
	if (kind == NBD_CMD_DISC || length > PAGE)
		return false;
	if (kind == NBD_CMD_WRITE && !whole(socket, held->data, length, false))
		return false;
	if ((kind == NBD_CMD_READ && shared->hold_reads) || (kind == NBD_CMD_WRITE && shared->hold_writes)) {
		shared->count += shared->count < HELD_MAX - 1;
		return true;
	}
	return answer(socket, store, held, 0);
}

/* Answer one that is held; -1 is all. */
static bool take_order(int socket, unsigned char *store, const int order[2])
{
	int first = order[0] < 0 ? 0 : order[0], last = order[0] < 0 ? shared->count - 1 : order[0];
	bool well = true;
	for (int i = first; i <= last && i < shared->count; i++)
		well &= answer(socket, store, &shared->held[i], order[1]);
	if (last >= shared->count)
		last = shared->count - 1;
	if (last >= first) {
		memmove(&shared->held[first], &shared->held[last + 1], (shared->count - last - 1) * sizeof *shared->held);
		shared->count -= last - first + 1;
	}
	return well;
}

static void serve(int socket, int from, int to, long blocks)
{
	unsigned char *store = calloc(blocks, PAGE);
	struct pollfd waits[2] = {{.fd = socket, .events = POLLIN}, {.fd = from, .events = POLLIN}};
	int order[2];
	for (bool well = store != NULL; well && poll(waits, 2, -1) > 0;) {
		if (waits[1].revents & POLLIN) {
			well = whole(from, order, sizeof order, false) && take_order(socket, store, order);
			if (write(to, "", 1) < 0)
				break;
		} else if (waits[1].revents)
			break;
		else if (waits[0].revents & POLLIN)
			well = take_request(socket, store);
		else if (waits[0].revents)
			break;
	}
	_exit(0);
}

static long make(long blocks)
{
	int ends[2], to_server[2], from_server[2];
	if (blocks < 1 || blocks > BLOCKS_MAX)
		return -EINVAL;
	if (!shared)
		shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	memset(shared, 0, sizeof *shared);
	device = open("/dev/nbd0", O_RDWR | O_CLOEXEC);
	if (device < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, ends) || pipe(to_server) || pipe(from_server))
		return -errno;
	server = fork();
	if (!server) {
		close(ends[0]);
		close(to_server[1]);
		serve(ends[1], to_server[0], from_server[1], blocks);
	}
	close(ends[1]);
	close(to_server[0]);
	close(from_server[1]);
	orders = to_server[1];
	done = from_server[0];
	if (ioctl(device, NBD_SET_BLKSIZE, PAGE) < 0 || ioctl(device, NBD_SET_SIZE_BLOCKS, blocks) < 0 ||
	    ioctl(device, NBD_SET_SOCK, ends[0]) < 0)
		return -errno;
	client = fork();
	if (!client) { /* the kernel borrows this process while the device is there */
		ioctl(device, NBD_DO_IT);
		_exit(0);
	}
	close(ends[0]);
	for (int i = 0; i < 400; i++) { /* until the device has its size */
		char text[32];
		if (file_read("/sys/block/nbd0/size", text, sizeof text) > 0 && atol(text) == blocks * (PAGE / 512))
			return 0;
		usleep(5000);
	}
	return -ETIMEDOUT;
}

static void pending(int wanted)
{
	for (int i = 0; i < 2000 && shared->count < wanted; i++)
		usleep(5000);
	say_result(shared->count < wanted ? -ETIMEDOUT : 0);
	say(",\"text\":\"");
	for (int i = 0; i < shared->count; i++) {
		struct message *message = &shared->held[i].message;
		char kind = (__builtin_bswap32(message->type) & 0xffff) == NBD_CMD_READ ? 'r' : 'w';
		say("%s%c%llu", i ? " " : "", kind, (unsigned long long)swapped(message->from) / PAGE);
	}
	say("\"");
}

static long release(char **arg)
{
	char ready;
	int order[2] = {strcmp(arg[1], "all") ? atoi(arg[1]) : -1, strcmp(arg[2], "EIO") ? 0 : EIO};
	if (write(orders, order, sizeof order) != sizeof order || read(done, &ready, 1) != 1)
		return -EPIPE;
	usleep(20000); /* the one wait by time: what was answered has to reach the driver before what comes next */
	return 0;
}

bool gate_operation(char **arg)
{
	if (!strcmp(arg[0], "nbd"))
		say_result(make(atol(arg[1])));
	else if (!strcmp(arg[0], "gate")) {
		shared->hold_reads = strchr(arg[1], 'r') != NULL;
		shared->hold_writes = strchr(arg[1], 'w') != NULL;
		say_result(0);
	} else if (!strcmp(arg[0], "pending"))
		pending(atoi(arg[1]));
	else if (!strcmp(arg[0], "go"))
		say_result(release(arg));
	else
		return false;
	return true;
}

void gate_remove(void)
{
	if (device < 0)
		return;
	shared->hold_reads = shared->hold_writes = 0;
	char all[] = "all", none[] = "", *arg[] = {none, all, none};
	release(arg);
	ioctl(device, NBD_DISCONNECT);
	ioctl(device, NBD_CLEAR_SOCK);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	waitpid(client, NULL, 0);
	close(orders);
	close(done);
	close(device);
	device = -1;
}
