#include "reset_time.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

struct cursor {
    const char *at;
    const char *end;
};

/* No strtod: a program may run in a locale with decimal commas. */
static bool number(struct cursor *c, double *ret)
{
    double value = 0;
    double unit = 1;
    const char *at = c->at;
    for (; at < c->end && *at >= '0' && *at <= '9' && at - c->at < 16; at++)
        value = value * 10 + (*at - '0');
    if (at == c->at || (at < c->end && *at >= '0' && *at <= '9'))
        return false;
    if (at < c->end - 1 && *at == '.' && at[1] >= '0' && at[1] <= '9')
        for (at++; at < c->end && *at >= '0' && *at <= '9'; at++)
            value += (*at - '0') * (unit /= 10);
    c->at = at;
    *ret = value;
    return true;
}

static void skip_blanks(struct cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\t' || *c->at == '\n' || *c->at == '\r'))
        c->at++;
}

static bool letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static const struct {
    const char *name;
    double seconds;
} units[] = {
    {"ns", 1e-9},
    {"us", 1e-6},
    {"\xc2\xb5s", 1e-6},
    {"ms", 1e-3},
    {"s", 1},
    {"sec", 1},
    {"secs", 1},
    {"second", 1},
    {"seconds", 1},
    {"m", 60},
    {"min", 60},
    {"mins", 60},
    {"minute", 60},
    {"minutes", 60},
    {"h", 3600},
    {"hr", 3600},
    {"hrs", 3600},
    {"hour", 3600},
    {"hours", 3600},
    {"d", 86400},
    {"day", 86400},
    {"days", 86400},
    {"w", 604800},
    {"week", 604800},
    {"weeks", 604800},
    {"millisecond", 1e-3},
    {"milliseconds", 1e-3},
};

static bool unit(struct cursor *c, double *ret)
{
    size_t len = 0;
    while (c->at + len < c->end && (letter(c->at[len]) || (unsigned char)c->at[len] >= 0x80))
        len++;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strlen(units[i].name) != len || strncasecmp(units[i].name, c->at, len) != 0)
            continue;
        c->at += len;
        *ret = units[i].seconds;
        return true;
    }
    return false;
}

/* Between the parts of "1 hour and 5 minutes, 3 seconds". */
static void skip_joint(struct cursor *c)
{
    if (c->at < c->end && *c->at == ',')
        c->at++;
    skip_blanks(c);
    if (c->end - c->at > 4 && strncasecmp(c->at, "and ", 4) == 0)
        c->at += 4;
    skip_blanks(c);
}

/* "1m30s" and the like at the cursor. A number alone is seconds when BARE allows it. */
static bool duration(struct cursor *c, bool bare, double *ret)
{
    double total = 0;
    bool any = false;
    for (struct cursor at = *c;; skip_joint(&at)) {
        double value;
        double seconds;
        if (!number(&at, &value))
            break;
        bool joined = at.at < at.end && letter(*at.at); /* "3pm" */
        skip_blanks(&at);
        if (!unit(&at, &seconds)) {
            bool alone = !any && bare && !joined && (at.at == at.end || strchr(":-%", *at.at) == NULL);
            if (!alone)
                break;
            seconds = 1;
        }
        total += value * seconds;
        any = true;
        *c = at;
    }
    *ret = total;
    return any;
}

/* --- Dates --- */

static double moment(int year, int month, int day, int hour, int minute, double second)
{
    struct tm tm = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day, .tm_hour = hour, .tm_min = minute};
    if (year < 1970 || year > 9999 || month < 1 || month > 12 || day < 1 || day > 31 || hour < 0 || hour > 23 ||
        minute < 0 || minute > 59 || second < 0 || second >= 61)
        return NAN;
    return (double)timegm(&tm) + second;
}

/* The offset of a zone: Z, +02:00, +0200; nothing is UTC, since a server's own zone can't be known. */
static double zone(const char *text)
{
    int hours = 0;
    int minutes = 0;
    if ((*text != '+' && *text != '-') || sscanf(text + 1, "%2d%*1[:]%2d", &hours, &minutes) == 2)
        return (*text == '-' ? -1 : 1) * (hours * 3600.0 + minutes * 60.0);
    (void)sscanf(text + 1, "%2d%2d", &hours, &minutes);
    return (*text == '-' ? -1 : 1) * (hours * 3600.0 + minutes * 60.0);
}

/* RFC 3339, the `T` may be a blank. TEXT is a string. */
static double iso_date(const char *text)
{
    int year, month, day, hour, minute, second;
    int used = 0;
    double fraction = 0;
    if (sscanf(text, "%4d-%2d-%2d%*1[Tt ]%2d:%2d:%2d%n", &year, &month, &day, &hour, &minute, &second, &used) < 6)
        return NAN;
    struct cursor rest = {text + used, text + strlen(text)};
    double unit_of = 1;
    if (rest.at < rest.end && *rest.at == '.')
        for (rest.at++; rest.at < rest.end && *rest.at >= '0' && *rest.at <= '9'; rest.at++)
            fraction += (*rest.at - '0') * (unit_of /= 10);
    return moment(year, month, day, hour, minute, second + fraction) - zone(rest.at);
}

static int month_of(const char *name)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    for (int i = 0; i < 12; i++)
        if (strncasecmp(names + (ptrdiff_t)i * 3, name, 3) == 0)
            return i + 1;
    return 0;
}

/* The three forms of an HTTP date: "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT" and "Sun Nov  6
 * 08:49:37 1994". TEXT is a string. */
static double http_date(const char *text)
{
    char name[4] = "";
    int year, day, hour, minute, second;
    const char *comma = strchr(text, ',');
    if (comma == NULL) {
        if (sscanf(text, "%*3s %3s %2d %2d:%2d:%2d %4d", name, &day, &hour, &minute, &second, &year) != 6)
            return NAN;
    } else if (sscanf(comma + 1, " %2d%*1[ -]%3s%*1[ -]%4d %2d:%2d:%2d", &day, name, &year, &hour, &minute, &second) !=
               6) {
        return NAN;
    }
    if (year < 100)
        year += year < 70 ? 2000 : 1900;
    return moment(year, month_of(name), day, hour, minute, second);
}

/* --- All together --- */

static double sane(double at, double now)
{
    return at >= now - 86400 && at <= now + RESET_LATEST ? at : NAN;
}

static double number_means(double value, double now, bool milliseconds)
{
    if (milliseconds)
        return now + value / 1000;
    return value > MILLISECONDS_FROM ? value / 1000 : value > 1e9 ? value : now + value;
}

double reset_time_parse(const char *text, size_t len, double now, bool milliseconds)
{
    char copy[64];
    double value;
    struct cursor c = {text, text + len};
    skip_blanks(&c);
    while (c.end > c.at && (c.end[-1] == ' ' || c.end[-1] == '\t' || c.end[-1] == '\r'))
        c.end--;
    len = (size_t)(c.end - c.at);
    if (len == 0 || len >= sizeof copy || memchr(c.at, '\0', len) != NULL)
        return NAN;
    memcpy(copy, c.at, len);
    copy[len] = '\0';
    struct cursor whole = c;
    if (number(&whole, &value) && whole.at == whole.end)
        return sane(number_means(value, now, milliseconds), now);
    whole = c;
    if (duration(&whole, false, &value) && whole.at == whole.end)
        return sane(now + value, now);
    double at = iso_date(copy);
    return sane(isnan(at) ? http_date(copy) : at, now);
}

double reset_time_moment(const char *text)
{
    double value;
    struct cursor c = {text, text + strlen(text)};
    if (number(&c, &value) && c.at == c.end)
        return value > MILLISECONDS_FROM ? value / 1000 : value;
    return iso_date(text);
}

static double after_phrase(struct cursor c, double now)
{
    char copy[32];
    double value;
    while (c.at < c.end && strchr(" \t:=\"'\\~", *c.at) != NULL && *c.at != '\0')
        c.at++;
    size_t len = (size_t)(c.end - c.at) < sizeof copy - 1 ? (size_t)(c.end - c.at) : sizeof copy - 1;
    memcpy(copy, c.at, len);
    copy[len] = '\0';
    double at = iso_date(copy);
    if (!isnan(at))
        return sane(at, now);
    return duration(&c, true, &value) ? sane(number_means(value, now, false), now) : NAN;
}

double reset_time_in_text(const char *text, size_t len, double now)
{
    static const char *const phrases[] = {
        "reset after",  "resets after", "reset in",     "resets in",   "reset at",       "resets at",
        "retry after",  "retry in",     "try again in", "retry-after", "try again at",   "try again after",
        "available in", "available at", "wait for",     "wait",        "quotaresetdelay"};
    const char *end = text + len;
    for (const char *at = text; at < end; at++) {
        for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++) {
            size_t size = strlen(phrases[i]);
            if ((*at | 0x20) != *phrases[i] || (size_t)(end - at) < size || strncasecmp(at, phrases[i], size) != 0)
                continue;
            double found = after_phrase((struct cursor){at + size, end}, now);
            if (!isnan(found))
                return found;
        }
    }
    return NAN;
}
