/* The places that are looked at, a file each. */
#ifndef HERMES_DRIFT_LOOKS_H
#define HERMES_DRIFT_LOOKS_H

#include <sys/types.h>

#include "drift_finding.h"

/* Processes that run Hermes for this home. */
void drift_processes(struct drift *drift);
/* Profiles of this home: entries of ours and variables that were copied into them and stayed behind. */
void drift_profiles(struct drift *drift);
/* Copies of config.yaml that Hermes keeps, and keys in them that no source has any more. */
void drift_backups(struct drift *drift);
/* Environment=, EnvironmentFile= and PassEnvironment= of hermes-gateway units, the user's and the system's. */
void drift_units(struct drift *drift);
/* Start-up files of shells and sessions. */
void drift_startup_files(struct drift *drift);
/* What one file of either kind says, whose TEXT of LEN bytes ends in a NUL. SHELL: only what is exported counts. */
void drift_startup_text(struct drift *drift, const char *path, const char *text, size_t len, bool shell);
void drift_unit_text(struct drift *drift, const char *path, const char *text, size_t len);
/* hermes-watch: whether it runs, how it fares, and whether it is as new as its file and its unit. */
void drift_watcher(struct drift *drift);
/* What hermes-fleet says: a revision that is not taken, or an etcd that is not heard. */
void drift_fleet(struct drift *drift);
/* Asks the user's systemd for its environment, and takes the answer into DRIFT->manager. */
enum { MANAGER_PATIENCE_MS = 250 };
struct drift_manager_question {
    int fd; /* -1: nobody was asked */
    pid_t child;
    long long asked_ms;
};
struct drift_manager_question drift_manager_ask(void);
/* Gives the question up, where it was not answered. QUESTION: a struct drift_manager_question. */
void drift_manager_stop(void *question);
void drift_manager_answer(struct drift *drift, struct drift_manager_question *question);

#endif
