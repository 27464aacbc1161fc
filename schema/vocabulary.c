#include "vocabulary.h"

#include <stdlib.h>
#include <string.h>

#include "config_schema.h"
#include "known_variables.h"
#include "provider_table.h"

/* Words that a config.yaml may say beside the names of its keys, sorted for bsearch. They are shown in source lines;
 * every other word is masked. */
static const char *const words[] = {
    "access_token",
    "aggregator",
    "app_secret",
    "app_token",
    "approval",
    "auto",
    "background_review",
    "bridge_token",
    "catgirl",
    "channel_secret",
    "cli",
    "concise",
    "config",
    "corp_secret",
    "creative",
    "custom",
    "encoding_aes_key",
    "encrypt_key",
    "export",
    "false",
    "fill_first",
    "goal_judge",
    "helpful",
    "http",
    "https",
    "hype",
    "kanban_decomposer",
    "kawaii",
    "least_used",
    "mcp",
    "memory_query_rewrite",
    "moa_aggregator",
    "moa_reference",
    "monitor",
    "noir",
    "none",
    "null",
    "philosopher",
    "pirate",
    "profile_describer",
    "project_secret",
    "random",
    "reference_models",
    "round_robin",
    "shakespeare",
    "skills_hub",
    "surfer",
    "teacher",
    "technical",
    "title_generation",
    "triage_specifier",
    "true",
    "tts_audio_tags",
    "uwu",
    "verify_token",
    "vision",
    "web_extract",
    "yes",
};

struct span {
    const char *text;
    size_t len;
};

static int compare_word(const void *key, const void *element)
{
    const struct span *span = key;
    const char *word = *(const char *const *)element;
    int order = strncmp(span->text, word, span->len);
    return order != 0 ? order : -(word[span->len] != '\0');
}

static bool is_provider(const char *word, size_t len)
{
    char name[64];
    if (len >= sizeof name)
        return false;
    memcpy(name, word, len);
    name[len] = '\0';
    return provider_table_find(name) != NULL;
}

bool vocabulary_has(const char *word, size_t len)
{
    struct span span = {word, len};
    return bsearch(&span, words, sizeof words / sizeof words[0], sizeof words[0], compare_word) != NULL ||
           config_schema_name_known(word, len) || known_variables_has(word, len) || is_provider(word, len);
}
