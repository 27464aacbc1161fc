#include "watch.h"

void watch_note(struct watch_client *client, enum watch_news news, bool written)
{
    client->stale = client->stale || !written;
    if (client->news == WATCH_NOTHING) {
        client->next_told = client->set->told;
        client->set->told = client;
    }
    client->news = news > client->news ? news : client->news;
}

void watch_note_interest(const struct interest *interest, enum watch_news news, bool written)
{
    watch_note(interest->client, interest->apart ? WATCH_APART : news, written);
}

void watch_tell_all(struct watch_set *set)
{
    for (;;) {
        (void)pthread_mutex_lock(&set->lock);
        struct watch_client *client = set->told;
        enum watch_news news = client == NULL ? WATCH_NOTHING : client->news;
        if (client != NULL) {
            set->told = client->next_told;
            client->news = WATCH_NOTHING;
        }
        (void)pthread_mutex_unlock(&set->lock);
        if (client == NULL)
            return;
        client->tell(client->owner, news);
    }
}
