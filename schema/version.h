/* The one place that knows the project's version; CMakeLists.txt reads it from here. */
#ifndef HERMES_VERSION_H
#define HERMES_VERSION_H

#define HERMES_VERSION "1.0.0"

#endif
