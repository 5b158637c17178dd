/* SPDX-License-Identifier: BSD-3-Clause */
/* The operator's commands: a request to an answer. show.c is the socket around it. */
#ifndef PODLANE_CONTROL_SHOW_COMMANDS_H
#define PODLANE_CONTROL_SHOW_COMMANDS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "control/show.h"

enum show_size {
	SHOW_SMALL, /**< answered at once */
	SHOW_LARGE, /**< grows with the routes: written by a child, which only reads */
};

/** How much work a request line is; also for one that is no command. */
enum show_size show_command_size(const char *line);

/** Carry out a request and write the answer, which may be an error, with its newline. */
void show_command_run(const struct show_sources *sources, const char *line, FILE *out);

/** Write an error. */
void show_command_error(FILE *out, const char *command, const char *code, const char *message);

#endif
