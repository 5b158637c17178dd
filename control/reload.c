/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * podlane.yaml read again while control runs. Called by main.c. Sections that only podlane-dataplane reads
 * (ports, dataplane, pods.checksum) are none of our business: it takes them when it starts.
 */
#include "control/reload.h"

#include "control/log.h"
#include "dataplane/api/config.h"

#include <stddef.h>
#include <string.h>

/* What sockets, the kernel's attachments and others' pointers hang on. */
static const struct {
	const char *key;
	size_t at;
} fixed[] = {
	{"node.name", offsetof(struct config, node.name)},
	{"fpm.listen", offsetof(struct config, fpm.listen)},
	{"fpm.replay_end", offsetof(struct config, fpm.replay_end)},
	{"sockets.dataplane", offsetof(struct config, sockets.dataplane)},
	{"sockets.control", offsetof(struct config, sockets.control)},
};

static void warn(const char *path, const char *key)
{
	log_line(LOG_LEVEL_WARNING,
		"reload: %s: %s cannot change while control runs and stays as it was: \"systemctl "
		"restart podlane-control\" takes it",
		path, key);
}

static const char *pod_match(const struct config *cfg)
{
	return cfg->pods == NULL ? "" : cfg->pods->match;
}

/* Others hold pointers to these, so the old ones stay even where nothing differs. */
static void keep_fixed(const char *path, struct config *now, struct config *before)
{
	struct config_pods *pods = now->pods;

	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
		char **new_one = (char **)((char *)now + fixed[i].at);
		char **old_one = (char **)((char *)before + fixed[i].at);
		char *text = *new_one;

		if (strcmp(*new_one, *old_one) != 0)
			warn(path, fixed[i].key);
		*new_one = *old_one;
		*old_one = text;
	}
	if (strcmp(pod_match(now), pod_match(before)) != 0)
		warn(path, "pods.match");
	now->pods = before->pods;
	before->pods = pods;
}

bool reload_config(const char *path, struct config **cfg)
{
	struct config *now = NULL;
	char error[512];

	if (config_load(path, &now, error, sizeof(error)) != 0) {
		log_line(LOG_LEVEL_ERR, "reload: %s; all settings stay as they were", error);
		return false;
	}
	keep_fixed(path, now, *cfg);
	config_free(*cfg);
	*cfg = now;
	return true;
}
