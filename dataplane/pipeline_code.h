/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The pipeline is compiled several times, for kinds of processor; one is chosen at run time.
 */
#ifndef PODLANE_DATAPLANE_PIPELINE_CODE_H
#define PODLANE_DATAPLANE_PIPELINE_CODE_H

#include "dataplane/pipeline.h"

struct pipeline_code {
	const char *processor; /**< it was compiled for: gcc's -march, or "generic" */
	uint16_t (*run)(struct pipeline *pipeline, const struct port *port, uint16_t queue);
	uint16_t (*inject)(struct pipeline *pipeline);
};

/** That of this number, from 0 on, the fastest first. Returns: NULL there are no more that run here */
const struct pipeline_code *pipeline_code(unsigned number);

#endif
