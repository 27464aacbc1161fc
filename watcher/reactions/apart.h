/* Work that asks a file system whose server may never answer, by a process of its own that shares all memory and all
 * descriptors with this one. What a FUSE server has taken and does not answer holds its caller in the kernel, beyond
 * any signal: it is that process then, and not one of our threads, so that our own end waits for nobody.
 *
 * To be called in a thread, which waits as long as the work takes, and under whose name the work runs: its locks, its
 * errno. That process ends with ours, as soon as the kernel lets go of it. What the kernel notes of a process, such as
 * who holds a flock, is of it and not of ours; nor is getpid(). */
#ifndef HERMES_APART_H
#define HERMES_APART_H

void apart_run(void (*work)(void *data), void *data);

#endif
