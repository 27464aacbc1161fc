/* File systems whose files other machines, or other programs behind the kernel's back, change: no event of inotify
 * tells of it, and no lease knows of their writers. */
#ifndef HERMES_REMOTE_FILE_SYSTEM_H
#define HERMES_REMOTE_FILE_SYSTEM_H

struct statfs;

/* "nfs", "fuse", ...; NULL for a local one. */
const char *remote_file_system(const struct statfs *fs);

/* The same by the type that mountinfo has of a mount, and also where something may be mounted at the first access. */
const char *remote_file_system_name(const char *type);

#endif
