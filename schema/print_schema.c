#include "print_schema.h"

#include <string.h>

#include "config_schema.h"
#include "provider_table.h"
#include "setting_name.h"
#include "snapshot_schema.h"

enum { LONGEST_PATH = 256 };

/* Texts of the tables hold nothing that JSON would have to escape but quotes. */
static void put_string(const char *text, FILE *stream)
{
    (void)fputc('"', stream);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            (void)fputc('\\', stream);
        (void)fputc(*text, stream);
    }
    (void)fputc('"', stream);
}

static const char *last_name(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot == NULL ? path : dot + 1;
}

static void put_types(unsigned types, FILE *stream)
{
    static const struct {
        unsigned flag;
        const char *names;
    } known[] = {{CONFIG_BOOL, "\"boolean\","},
                 {CONFIG_NUMBER, "\"number\","},
                 {CONFIG_LIST, "\"array\","},
                 {CONFIG_MAP, "\"object\","}};
    if (types == 0)
        return;
    (void)fputs("\"type\":[", stream);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if ((types & known[i].flag) != 0 && !((types & CONFIG_TEXT) != 0 && i < 2))
            (void)fputs(known[i].names, stream);
    if ((types & CONFIG_TEXT) != 0)
        (void)fputs("\"string\",\"number\",\"boolean\",", stream);
    else if ((types & (CONFIG_BOOL | CONFIG_NUMBER)) != 0)
        (void)fputs("\"string\",", stream); /* "${VAR}" */
    (void)fputs("\"null\"],", stream);
    if ((types & (CONFIG_BOOL | CONFIG_NUMBER)) != 0 && (types & CONFIG_TEXT) == 0)
        (void)fputs("\"pattern\":\"[$][{]|^[-+0-9._]+$|^([Tt]rue|[Ff]alse|yes|no|on|off)$\",", stream);
}

static void put_choices(const char *choices, FILE *stream)
{
    (void)fputs("\"enum\":[", stream);
    for (const char *word = choices; word != NULL;) {
        const char *end = strchr(word, ' ');
        int len = end == NULL ? (int)strlen(word) : (int)(end - word);
        (void)fprintf(stream, "\"%.*s\",", len, word);
        word = end == NULL ? NULL : end + 1;
    }
    (void)fputs("null],", stream);
}

/* Completion for names of providers, without forbidding others. */
static void put_providers(FILE *stream)
{
    (void)fputs("\"examples\":[\"auto\"", stream);
    for (size_t i = 0; i < provider_table_count; i++)
        (void)fprintf(stream, ",\"%s\"", provider_table[i].id);
    (void)fputs("],", stream);
}

static void put_rule(const struct config_rule *rule, FILE *stream);

static void put_children(const char *path, FILE *stream)
{
    char item[LONGEST_PATH];
    size_t count;
    bool any = false;
    const struct config_rule *rules = config_schema_below(path, &count);
    for (size_t i = 0; i < count; i++) {
        const char *name = config_schema_child_name(&rules[i], path);
        if (name == NULL || strcmp(name, "*") == 0 || strcmp(name, "[]") == 0)
            continue;
        (void)fputs(any ? "," : "\"properties\":{", stream);
        put_string(name, stream);
        (void)fputc(':', stream);
        put_rule(&rules[i], stream);
        any = true;
    }
    (void)fputs(any ? "}," : "", stream);
    static const char *const wild[][2] = {{"*", "additionalProperties"}, {"[]", "items"}};
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(item, sizeof item, "%s.%s", path, wild[i][0]);
        const struct config_rule *rule = config_schema_find(item);
        if (rule == NULL)
            continue;
        (void)fprintf(stream, "\"%s\":", wild[i][1]);
        put_rule(rule, stream);
        (void)fputc(',', stream);
    }
}

static void put_rule(const struct config_rule *rule, FILE *stream)
{
    (void)fputc('{', stream);
    put_types(rule->flags & CONFIG_TYPES, stream);
    put_children(rule->path, stream);
    if (rule->choices != NULL)
        put_choices(rule->choices, stream);
    if ((rule->flags & CONFIG_PROVIDER) != 0)
        put_providers(stream);
    if (setting_name_is_secret(last_name(rule->path)))
        (void)fputs("\"writeOnly\":true,", stream);
    if (rule->instead != NULL) {
        (void)fprintf(stream, "\"deprecated\":true,\"deprecationMessage\":\"write %s\",", rule->instead);
    }
    (void)fputs("\"description\":", stream);
    put_string(rule->doc != NULL ? rule->doc : "", stream);
    (void)fputc('}', stream);
}

static void print_config(FILE *stream)
{
    (void)fputs("{\"$schema\":\"http://json-schema.org/draft-07/schema#\",", stream);
    (void)fputs("\"title\":\"config.yaml of Hermes\",\"type\":[\"object\",\"null\"],", stream);
    put_children("", stream);
    (void)fputs("\"description\":\"Keys that are not listed are allowed: Hermes grows\"}\n", stream);
}

static const char *type_name(unsigned flags)
{
    unsigned types = flags & CONFIG_TYPES;
    return types == 0                            ? "any"
           : (flags & CONFIG_PROVIDER)           ? "provider"
           : (flags & CONFIG_URL)                ? "URL"
           : (flags & CONFIG_VARIABLE)           ? "variable"
           : types == (CONFIG_MAP | CONFIG_TEXT) ? "map or text"
           : types == (CONFIG_MAP | CONFIG_LIST) ? "map or list"
           : (types & CONFIG_MAP)                ? "map"
           : (types & CONFIG_LIST)               ? "list"
           : (types & CONFIG_TEXT)               ? "text"
           : (types & CONFIG_NUMBER)             ? "number"
                                                 : "true or false";
}

static void print_reference(FILE *stream)
{
    (void)fputs("# What config.yaml may say\n\nMade by `hermes-compile --print-schema reference`.\n\n"
                "| key | type | |\n| --- | --- | --- |\n",
                stream);
    for (size_t i = 0; i < config_rule_count; i++) {
        const struct config_rule *rule = &config_rules[i];
        (void)fprintf(stream, "| `%s` | %s%s | %s%s%s%s%s |\n", rule->path, type_name(rule->flags),
                      setting_name_is_secret(last_name(rule->path)) ? ", secret" : "",
                      rule->doc != NULL ? rule->doc : "", rule->choices != NULL ? ": " : "",
                      rule->choices != NULL ? rule->choices : "", rule->instead != NULL ? "; write " : "",
                      rule->instead != NULL ? rule->instead : "");
    }
}

bool print_schema(const char *which, FILE *stream)
{
    if (strcmp(which, "config") == 0)
        print_config(stream);
    else if (strcmp(which, "snapshot") == 0)
        (void)fwrite(snapshot_schema, 1, sizeof snapshot_schema, stream);
    else if (strcmp(which, "reference") == 0)
        print_reference(stream);
    else
        return false;
    return true;
}
