/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The command line of podlane-dataplane, and where it was started from. Called by main.c.
 */
#include "dataplane/options.h"

#include <argp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'c':
		options->config = arg;
		return 0;
	case 'n':
		options->is_check = true;
		return 0;
	case 'v':
		options->is_verbose = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option rows[] = {
	{"config", 'c', "FILE", 0, "configuration (default /etc/podlane/podlane.yaml)", 0},
	{"check", 'n', NULL, 0, "check the configuration and end", 0},
	{"verbose", 'v', NULL, 0, "show DPDK's own messages", 0},
	{0},
};

static const struct argp arguments = {
	.options = rows,
	.parser = parse_option,
	.doc = "The process of Podlane that forwards packets.\v"
	       "Example: podlane-dataplane --config /etc/podlane/podlane.yaml\n"
	       "It is told what to do by podlane-control; look at both with `podlane status`.",
};

const char *argp_program_version = "podlane-dataplane " PODLANE_VERSION;

void options_parse(int argc, char **argv, struct options *options)
{
	*options = (struct options){.config = "/etc/podlane/podlane.yaml"};
	argp_parse(&arguments, argc, argv, 0, NULL, options);
}

const char *options_find_bpf_dir(void)
{
	static char path[512];
	char object[600];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - sizeof("/steer"));
	char *slash;

	if (len > 0) {
		path[len] = '\0';
		slash = strrchr(path, '/');
		snprintf(slash, sizeof("/steer"), "/steer");
		snprintf(object, sizeof(object), "%s/steer.bpf.o", path);
		if (access(object, R_OK) == 0)
			return path;
	}
	return PODLANE_BPF_DIR;
}
