/* Wakes whoever tells a fleet what this home learned of its keys: a byte into a named pipe that it made. */
#ifndef HERMES_BELL_H
#define HERMES_BELL_H

/* Nobody listens at PATH: nothing happens. It never waits, and only what this user made is written to. */
void bell_ring(const char *path);

#endif
