/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where in a YAML file a key stands, so that an error found after parsing can still name its line.
 */
#ifndef PODLANE_DATAPLANE_API_CONFIG_PLACE_H
#define PODLANE_DATAPLANE_API_CONFIG_PLACE_H

/**
 * Line of a key in block style YAML.
 *
 * @key: "dataplane.fib.max_routes"; entries of a list count from 0: "ports[1].name"
 *
 * Returns: the line, from 1; the line of the nearest parent that is found (a value in flow style is
 *          not looked into); 0 if there is none
 */
unsigned config_place_of(const char *text, const char *key);

/** First line, not before line @from, that sets a key of this name, whatever it belongs to; or 0. */
unsigned config_place_of_name(const char *text, const char *name, unsigned from);

#endif
