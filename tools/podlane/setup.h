/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a node with PCI ports needs before podlane-dataplane starts: each thing is looked at, and put right
 * if it is not. What is right already stays as it is.
 */
#ifndef PODLANE_TOOLS_PODLANE_SETUP_H
#define PODLANE_TOOLS_PODLANE_SETUP_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

enum setup_mode { SETUP_SHOW, SETUP_DO };

struct setup {
	const char *root; /**< in front of /sys, /proc and /dev; "" outside of tests */
	enum setup_mode mode;
	json_t *steps;	  /**< {what, of, state, text, command?} are added */
	unsigned n_wrong; /**< steps that were refused, or failed */
	unsigned n_to_do; /**< steps that are still to be done */
};

/** What became of a step. */
enum setup_state {
	SETUP_OK,      /**< nothing to do */
	SETUP_TO_DO,   /**< would be changed */
	SETUP_CHANGED, /**< was changed */
	SETUP_REFUSED, /**< text says what to do about it */
	SETUP_FAILED,
	SETUP_N_STATES,
};

/** Add a step. @command: what does it, for people and scripts; NULL: nothing */
void setup_note(struct setup *setup, enum setup_state state, const char *what, const char *of,
	const char *command, const char *format, ...) __attribute__((format(printf, 6, 7)));

/**
 * The node: as many huge pages as the memory needs, vfio-pci, an IOMMU, memory that may be locked.
 */
void setup_hugepages(struct setup *setup, uint32_t memory_mb);
void setup_vfio(struct setup *setup);
void setup_locked_memory(struct setup *setup);

/** Will this device be vfio's? Not if its driver shares it (mlx5). @text: as of setup_device() */
bool setup_wants_vfio(const struct setup *setup, const char *text);

/** A PF's VFs: as many as there have to be for number @last. @pf: its name or address */
void setup_vfs(struct setup *setup, const char *pf, unsigned last);

/**
 * A port's device: bound to vfio-pci, unless its driver shares it; never taken from the kernel's routes.
 *
 * @text: of the configuration, in a form of pci_find()
 */
void setup_device(struct setup *setup, const char *port, const char *text);

/** Both: a number in a file below root. Errors: -errno, -EINVAL no number */
int setup_read(const struct setup *setup, const char *path, uint64_t *value);
int setup_write(const struct setup *setup, const char *path, uint64_t value);

/**
 * Run a program and wait for it.
 *
 * @output: its last line
 *
 * Errors: -errno; -EIO it failed, as output says
 */
int setup_run(char *const argv[], char *output, size_t output_bytes);

#endif
