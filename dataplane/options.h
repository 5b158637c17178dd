/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PODLANE_DATAPLANE_OPTIONS_H
#define PODLANE_DATAPLANE_OPTIONS_H

#include <stdbool.h>

/** The command line of podlane-dataplane. */
struct options {
	const char *config; /**< path of podlane.yaml */
	bool is_check;	    /**< check the configuration and end */
	bool is_verbose;    /**< DPDK's own messages too */
};

/** Read the command line; ends the program on --help, --version and what it does not know. */
void options_parse(int argc, char **argv, struct options *options);

/**
 * The folder of the BPF objects: beside the program in a build tree, else where they are installed.
 *
 * Owner: static
 */
const char *options_find_bpf_dir(void);

#endif
