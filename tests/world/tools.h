/* tests/world/tools: the small programs of a target: cat, grep, cut, sha256sum, flock and so on,
 * as far as actions/ uses them. docker, compose and git have files of their own. */
#ifndef WORLD_TOOLS_H
#define WORLD_TOOLS_H

#include "tests/world/sh.h"

sh_tool_function tool_run;

#endif
