#include "watched_home.h"

#include "journal.h"

void watched_home_say(const struct watched_home *home, int priority, const char *code, const char *message)
{
    journal_write(&(struct journal_entry){.priority = priority,
                                          .label = home->label,
                                          .message = message,
                                          .home = home->home,
                                          .generation = home->state->generation,
                                          .code = code});
}
