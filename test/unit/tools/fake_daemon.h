/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A dataplane and a control that answer as the real ones do, or wrongly in one way; each a child
 * process on a socket of its own.
 */
#ifndef PODLANE_TEST_UNIT_TOOLS_FAKE_DAEMON_H
#define PODLANE_TEST_UNIT_TOOLS_FAKE_DAEMON_H

#include <sys/types.h>

enum fake_mode {
	FAKE_GOOD = 0,
	FAKE_SHORT,   /**< half a header; control: half a JSON document */
	FAKE_VERSION, /**< another version of the protocol; control: an array, no object */
	FAKE_LENGTH,  /**< more items announced than sent; control: an empty answer */
	FAKE_TYPE,    /**< a type that does not exist; control: a refusal */
	FAKE_CLOSE,   /**< takes the connection and closes it */
	FAKE_SILENT,  /**< takes the connection and says nothing */
	FAKE_REFUSE,  /**< refuses hello with -EBUSY */
	FAKE_OFF,     /**< counters that do not add up */
	FAKE_OTHER,   /**< a FIB that is not what control wants */
	FAKE_EMPTY,   /**< well, with no ports, routes or pods */
	FAKE_N_MODES,
};

/** Owner: the child is the caller's, ended with fake_stop(). The socket is there on return. */
pid_t fake_start_dataplane(const char *path, enum fake_mode mode);
pid_t fake_start_control(const char *path, enum fake_mode mode);
void fake_stop(pid_t pid);

#endif
