/* The first stages of a compile: which files of a home are read, and what stands in them.
 *
 *     struct sources sources = {0};
 *     sources_read_configs(arena, &sources, &files, diagnostics);
 *     sources_parse_configs(arena, &sources, diagnostics);
 *     sources_read_rest(arena, &sources, &files, diagnostics);     config.yaml may name further env files
 *     sources_load_env(arena, &sources, &environment, diagnostics);
 *     sources_check(&sources, &files, diagnostics);
 */
#ifndef HERMES_SOURCES_H
#define HERMES_SOURCES_H

#include "environment.h"
#include "fleet_revision.h"
#include "fleet_settings.h"
#include "node.h"
#include "read_source.h"
#include "text.h"

struct source_files {
    const char *home;       /* absolute */
    const char *managed;    /* the managed directory; need not exist */
    const char *label_base; /* sources are shown relative to this folder when they lie in it */
    int wait_ms;            /* how long a source that is being written is waited for before BUSY */
    bool (*hangs)(void *owner, const char *path); /* a source for which nobody may wait here is BUSY unread; or NULL */
    void *owner;
    /* Files that were named one by one, which need not lie in a home: nothing is asked of the folder and of the pool,
     * and where there is no env file at all, an unset variable is only a warning. */
    bool named;
    const char *config;                 /* NULL: the home's config.yaml */
    const char *env;                    /* NULL: the home's .env */
    const struct text *config_text;     /* instead of a file */
    const struct fleet_revision *fleet; /* instead of the copy in the home: may it be taken? NULL: the copy */
};

enum { SOURCES_MOST = 64 };

struct sources {
    struct source *items[SOURCES_MOST]; /* all that were looked for, present or not, in reading order */
    size_t count;
    struct source *managed;            /* the managed config.yaml */
    struct source *user;               /* config.yaml */
    struct source *pool;               /* auth.json, the last one */
    struct source *root_pool;          /* a profile's: the root's auth.json; else NULL */
    const struct source *busy;         /* which is being written */
    enum read_outcome outcome;         /* the first that kept one from being read, as it counts for all of them */
    const struct node *managed_config; /* as it is written, a map; NULL: none */
    const struct node *user_config;    /* likewise */
    struct fleet_settings fleet;
    long long fleet_revision; /* that was read; 0: none */
};

void sources_read_configs(struct arena *arena, struct sources *sources, const struct source_files *files,
                          struct diagnostics *diagnostics);
void sources_parse_configs(struct arena *arena, struct sources *sources, struct diagnostics *diagnostics);
/* Env files, the fleet's among them, and pools. */
void sources_read_rest(struct arena *arena, struct sources *sources, const struct source_files *files,
                       struct diagnostics *diagnostics);
void sources_load_env(struct arena *arena, const struct sources *sources, struct environment *environment,
                      struct diagnostics *diagnostics);
/* Whether what is there is enough: a home without any source is an error, and a file that was named must be there. */
void sources_check(struct sources *sources, const struct source_files *files, struct diagnostics *diagnostics);

/* Whether any env file is there. */
bool sources_any_env(const struct sources *sources);

#endif
