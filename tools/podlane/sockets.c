/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where the daemons listen. Called by main.c once.
 */
#include "tools/podlane/sockets.h"

#include <stdio.h>
#include <unistd.h>

#include "dataplane/api/config.h"

bool sockets_find(struct sockets *sockets, struct options *options)
{
	const char *path = options->config_path;
	const char *dataplane = SOCKETS_DATAPLANE, *control = SOCKETS_CONTROL;
	char error[512];

	sockets->config = NULL;
	if (path == NULL && access(SOCKETS_CONFIG, F_OK) == 0)
		path = SOCKETS_CONFIG;
	// who named both sockets can look around with a wrong file, too
	if (path != NULL && (options->dataplane_path == NULL || options->control_path == NULL)) {
		if (config_load(path, &sockets->config, error, sizeof(error)) != 0) {
			fprintf(stderr, "podlane: %s\n", error);
			return false;
		}
		dataplane = sockets->config->sockets.dataplane;
		control = sockets->config->sockets.control;
	}
	if (options->dataplane_path == NULL)
		options->dataplane_path = dataplane;
	if (options->control_path == NULL)
		options->control_path = control;
	return true;
}

void sockets_free(struct sockets *sockets)
{
	if (sockets->config != NULL)
		config_free(sockets->config);
}
