/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The dataplane's log lines go through DPDK's log, under one type: "module: text key=value".
 */
#ifndef PODLANE_DATAPLANE_LOG_H
#define PODLANE_DATAPLANE_LOG_H

#include <rte_log.h>

/** One line of log; level is ERR, WARNING, NOTICE, INFO or DEBUG. */
#define LOG(level, ...) rte_log(RTE_LOG_##level, RTE_LOGTYPE_USER1, "podlane: " __VA_ARGS__)

#endif
