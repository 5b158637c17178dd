/* SPDX-License-Identifier: BSD-3-Clause */
/* What podlane setup does to the machine: numbers in files, programs, and a note of each. */
#include "tools/podlane/setup.h"

#include <errno.h>
#include <limits.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LINE_BYTES 400

void setup_note(struct setup *setup, enum setup_state state, const char *what, const char *of,
	const char *command, const char *format, ...)
{
	static const char *const names[SETUP_N_STATES] = {"ok", "to-do", "changed", "refused",
		"failed"};
	char text[LINE_BYTES];
	json_t *step;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	step = json_pack("{s:s, s:s, s:s, s:s}", "what", what, "of", of, "state", names[state],
		"text", text);
	if (command != NULL)
		json_object_set_new(step, "command", json_string(command));
	json_array_append_new(setup->steps, step);
	setup->n_wrong += state == SETUP_REFUSED || state == SETUP_FAILED;
	setup->n_to_do += state == SETUP_TO_DO;
}

int setup_read(const struct setup *setup, const char *path, uint64_t *value)
{
	char full[PATH_MAX], text[64] = "";
	char *end;
	FILE *in;

	snprintf(full, sizeof(full), "%s%s", setup->root, path);
	in = fopen(full, "re");
	if (in == NULL)
		return -errno;
	if (fgets(text, sizeof(text), in) == NULL)
		text[0] = '\0';
	fclose(in);
	*value = strtoull(text, &end, 10);
	return end == text ? -EINVAL : 0;
}

int setup_write(const struct setup *setup, const char *path, uint64_t value)
{
	char full[PATH_MAX];
	int ret = 0;
	FILE *out;

	snprintf(full, sizeof(full), "%s%s", setup->root, path);
	out = fopen(full, "we");
	if (out == NULL)
		return -errno;
	fprintf(out, "%llu\n", (unsigned long long)value);
	// the kernel answers when the number reaches it
	if (fflush(out) != 0)
		ret = -errno;
	fclose(out);
	return ret;
}

/* The last line that is not empty. */
static void read_output(int fd, char *output, size_t output_bytes)
{
	char line[LINE_BYTES];
	FILE *in = fdopen(fd, "re");

	output[0] = '\0';
	if (in == NULL)
		return;
	while (fgets(line, sizeof(line), in) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] != '\0')
			snprintf(output, output_bytes, "%s", line);
	}
	fclose(in);
}

int setup_run(char *const argv[], char *output, size_t output_bytes)
{
	posix_spawn_file_actions_t actions;
	int ends[2], status = 0, ret;
	pid_t pid;

	if (pipe(ends) < 0)
		return -errno;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addclose(&actions, ends[0]);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
	ret = -posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	if (ret < 0) {
		snprintf(output, output_bytes, "%s: %s", argv[0], strerror(-ret));
		close(ends[0]);
		return ret;
	}
	read_output(ends[0], output, output_bytes);
	if (waitpid(pid, &status, 0) < 0)
		return -errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EIO;
}
