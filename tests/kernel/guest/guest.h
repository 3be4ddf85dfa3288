/*
 * The guest of the kernel oracle: PID 1 of a virtual machine whose only job is to do to a zram device what scripts say
 * and to write down what the driver answered. No code of the kernel's is in here; what is used are its interfaces.
 */
#pragma once
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#define PAGE 4096
#define ZRAM "/sys/block/zram0/"
#define NODE "/dev/zram0"
#define DISKS_MAX 8
#define ARGS_MAX 10
#define PAGES_MAX 512 /* of one read or write */

/* report.c: lines of JSON, appended to a raw disk that the host reads. */
void report_open(const char *disk);
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
void say_text(const char *text, size_t length);
void say_result(long result); /* rc, and err when it is negative */
void say_flush(void);

/* files.c: small things about files, pages and processes. */
ssize_t file_read(const char *path, char *into, size_t size); /* ends in NUL; negative errno */
long file_write(const char *path, const char *value, size_t length); /* one write(2) */
size_t percent_decode(char *text); /* in place; returns the length */
void page_fill(unsigned char *page, const char *pattern, uint64_t number, int noise);
uint32_t crc32_of(const unsigned char *data, size_t length);
bool is_zero(const unsigned char *data, size_t length);
char process_state(pid_t pid); /* as /proc says; '?' when there is no such process */
double milliseconds(void);
int module_load(const char *name, const char *arguments);

/* disks.c: loop devices over files in /bd, device-mapper devices over those. */
long loop_make(int number, long bytes);
long loop_remove(int number);
long dm_load(int number, char *table);
long dm_suspend(int number, bool on);
void disks_resume(void);
void disks_remove(void (*failed)(const char *what, long error));
void say_disks(void); /* a CRC of every block */

/* state.c: everything the driver shows about a device. */
void say_state(void);

/* background.c: operations that run beside the script. */
bool background_runs(void);
const char *background_store(const char *attribute, const char *value, size_t length);
long background_join(void);
bool workers_operation(char **arg); /* false: no operation of this file; so, too, below */

/* gate.c: a backing device whose every answer the script decides. */
bool gate_operation(char **arg);
void gate_remove(void);

/* tracing.c: probes on the driver. */
void mark(const char *format, ...) __attribute__((format(printf, 1, 2)));
bool tracing_operation(char **arg);

/* operations.c */
void operation_run(char *line);
void operations_reset(void);
