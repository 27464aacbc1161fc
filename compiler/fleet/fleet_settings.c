#include "fleet_settings.h"

#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "shown.h"
#include "url.h"

struct reader {
    const struct node *section;
    const char *home;
    struct diagnostics *diagnostics;
};

bool fleet_settings_name_fits(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t len = strlen(name);
    return len > 0 && len <= FLEET_NAME_MOST && *name != '.' && strspn(name, allowed) == len;
}

static bool is_loopback(struct url_part host)
{
    static const char *const names[] = {"localhost", "::1"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (host.len == strlen(names[i]) && strncasecmp(host.text, names[i], host.len) == 0)
            return true;
    char text[16] = "";
    if (host.len >= sizeof text || strncmp(host.text, "127.", 4) != 0)
        return false;
    memcpy(text, host.text, host.len);
    return strspn(text, "0123456789.") == host.len;
}

const char *fleet_settings_endpoint_trouble(const char *url)
{
    struct url parts;
    for (const char *c = url; *c != '\0'; c++)
        if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 127)
            return "contains a character that is not allowed in a URL";
    if (!url_split(url, &parts))
        return "is not a URL such as https://etcd-1:2379";
    bool https = parts.scheme.len == 5 && strncasecmp(parts.scheme.text, "https", 5) == 0;
    bool http = parts.scheme.len == 4 && strncasecmp(parts.scheme.text, "http", 4) == 0;
    if (!https && !http)
        return "does not start with https:// or http://";
    if (parts.credentials.len > 0)
        return "contains a user; use username and password_env instead";
    if (parts.path.len > 0 || parts.query.len > 0)
        return "has more than a host and port";
    if (http && !is_loopback(parts.host))
        return "is not encrypted: http:// is only for this machine; use https://";
    return NULL;
}

static void wrong(struct reader *r, const struct node *node, const char *name, const char *what)
{
    (void)diagnostic_add_as(r->diagnostics, SEVERITY_ERROR, CODE_WRONG_TYPE, node->place, "hermes_watch.fleet.%s %s",
                            name, what);
}

static const char *text_of(struct reader *r, const char *name)
{
    const struct node *node = node_get(r->section, name);
    if (node == NULL || node->kind == NODE_NULL)
        return NULL;
    const char *text = node_string(node);
    if (text != NULL && node->len > 0 && strlen(text) == node->len)
        return text;
    wrong(r, node, name, "must be a string");
    return NULL;
}

static const char *path_of(struct reader *r, const char *name)
{
    const char *path = text_of(r, name);
    const char *user = getenv("HOME");
    if (path == NULL || *path == '/')
        return path;
    if (strncmp(path, "~/", 2) == 0 && user != NULL)
        return arena_printf(r->diagnostics->arena, "%s/%s", user, path + 2);
    return arena_printf(r->diagnostics->arena, "%s/%s", r->home, path);
}

static void read_name(struct reader *r, struct fleet_settings *settings)
{
    const struct node *node = node_get(r->section, "name");
    settings->name = text_of(r, "name");
    if (node == NULL || node->kind == NODE_NULL) {
        (void)diagnostic_add_as(r->diagnostics, SEVERITY_ERROR, CODE_WRONG_TYPE, r->section->place,
                                "hermes_watch.fleet has no name");
    } else if (settings->name != NULL && !fleet_settings_name_fits(settings->name)) {
        wrong(r, node, "name", "must be at most 64 letters, digits and . _ - (no slash, no dot at the start)");
        settings->name = NULL;
    }
}

static void read_endpoint(struct reader *r, const struct node *node, struct fleet_settings *settings)
{
    const char *url = node_string(node);
    const char *trouble = url == NULL                                        ? "is not a URL"
                          : settings->endpoint_count == FLEET_ENDPOINTS_MOST ? "is one more than 16"
                                                                             : fleet_settings_endpoint_trouble(url);
    if (trouble != NULL)
        wrong(r, node, "endpoints",
              arena_printf(r->diagnostics->arena, "%s%s%s", url == NULL ? "" : shown_name(r->diagnostics->arena, url),
                           url == NULL ? "" : " ", trouble));
    else
        settings->endpoints[settings->endpoint_count++] = url;
}

static void read_endpoints(struct reader *r, struct fleet_settings *settings)
{
    const struct node *list = node_get(r->section, "endpoints");
    if (!node_is(list, NODE_SEQUENCE) || list->count == 0) {
        wrong(r, list == NULL ? r->section : list, "endpoints",
              "must be a list of etcd's URLs, such as [https://etcd-1:2379]");
        return;
    }
    for (size_t i = 0; i < list->count; i++)
        read_endpoint(r, list->items[i], settings);
}

static void check_pairs(struct reader *r, const struct fleet_settings *settings)
{
    if (settings->key_file == NULL && node_get(r->section, "key_file") == NULL) {
        struct diagnostic *d = diagnostic_add_as(r->diagnostics, SEVERITY_ERROR, CODE_WRONG_TYPE, r->section->place,
                                                 "hermes_watch.fleet has no key_file");
        diagnostic_help(r->diagnostics, d, "hermes-fleet init makes one");
    }
    if ((settings->cert_file == NULL) != (settings->cert_key_file == NULL))
        wrong(r, r->section, "cert_file", "and cert_key_file go together");
    if ((settings->username == NULL) != (settings->password_env == NULL))
        wrong(r, r->section, "username", "and password_env go together");
}

struct fleet_settings fleet_settings_read(const struct node *section, const char *home, struct diagnostics *diagnostics)
{
    struct fleet_settings settings = {0};
    struct reader r = {section, home, diagnostics};
    if (section == NULL || section->kind == NODE_NULL)
        return settings;
    settings.place = section->place;
    if (!node_is(section, NODE_MAP)) {
        (void)diagnostic_add_as(diagnostics, SEVERITY_ERROR, CODE_WRONG_TYPE, section->place,
                                "hermes_watch.fleet is %s, not a mapping", node_kind_name(section->kind));
        return settings;
    }
    read_name(&r, &settings);
    read_endpoints(&r, &settings);
    settings.key_file = path_of(&r, "key_file");
    settings.key_place = node_get(section, "key_file") == NULL ? section->place : node_get(section, "key_file")->place;
    settings.ca_file = path_of(&r, "ca_file");
    settings.cert_file = path_of(&r, "cert_file");
    settings.cert_key_file = path_of(&r, "cert_key_file");
    settings.username = text_of(&r, "username");
    settings.password_env = text_of(&r, "password_env");
    check_pairs(&r, &settings);
    return settings;
}
