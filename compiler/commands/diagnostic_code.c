#include "diagnostic_code.h"

#include <stddef.h>
#include <string.h>

/* clang-format off */
const struct diagnostic_code diagnostic_codes[] = {
    {"alias-limit", "Aliases multiply the file",
     "A few YAML aliases of aliases can stand for millions of values. This file's aliases make more than ten times "
     "the values that it holds itself. Write the values out, or use fewer aliases."},
    {"base-url-shadowed", "A base-URL variable names another URL than config.yaml",
     "Hermes would take the variable; here config.yaml wins, because it says so plainly. Remove one of the two."},
    {"custom-providers-ignored", "custom_providers is not a list",
     "Hermes then ignores it, and the `providers` map with it. Write it as a list of maps with `name` and "
     "`base_url`."},
    {"deprecated-key", "A key that has moved",
     "Hermes still understands the old place. Write the new one, so that later versions do too."},
    {"disabled-provider", "A provider that is switched off",
     "`providers.<name>.enabled: false` hides it from Hermes since 0.19; older versions ignore the word. Nothing of it is "
     "compiled."},
    {"duplicate-key", "The same key twice in one map",
     "YAML forbids it. Hermes since the autumn of 2026 refuses the whole file then and starts from its last good copy; "
     "older versions take the last of the two without a word. Two `<<` in one map count as well. Remove the one that is "
     "not meant."},
    {"empty-config", "config.yaml has nothing in it",
     "Hermes then runs on its built-in defaults. If this is not meant, restore the file."},
    {"env-bom", "A byte order mark at the start of an env file",
     "Hermes takes it for a part of the first variable's name and loses that variable. Save the file as UTF-8 "
     "without a mark."},
    {"env-duplicate", "A variable is set twice in one file",
     "The last one counts, an empty one too. Remove the other."},
    {"env-glued-lines", "Two lines of an env file are one",
     "Hermes knows its variables' names and parts the line before the second one; it rewrites the file. Put the line "
     "break back."},
    {"env-hash-value", "A # that is no comment",
     "Directly behind the '=' and its blanks, # starts the value. Write NAME= on its own, or put the comment on a "
     "line above."},
    {"env-line-ignored", "A line of an env file that is dropped",
     "python-dotenv cannot read it and goes on without a word: a missing '=', a quote without its pair, or text "
     "behind a closing quote. Write NAME=value."},
    {"env-non-ascii", "A credential variable with characters outside ASCII",
     "Hermes drops these characters, without replacing them. Most likely the key was pasted with something around "
     "it."},
    {"env-not-utf-8", "An env file that is not UTF-8",
     "Hermes then reads the whole file as Latin-1. Save it as UTF-8."},
    {"env-parsers-differ", "Hermes's two env parsers read different values",
     "At its start Hermes uses python-dotenv; `/reload` and some look-ups use a parser of its own, which knows no "
     "comments behind values, no values over several lines, and drops values with an unset $NAME. The value of "
     "python-dotenv counts here. Quote the value, or move the comment, so that both read the same."},
    {"env-too-long", "A value grows beyond 4 MiB",
     "References to references double at each step. No process can hold such a variable."},
    {"env-unset-reference", "A ${NAME} of an env file is not set",
     "In an env file it becomes the empty string. Set NAME in a line above, or write ${NAME:-default}."},
    {"expansion-limit", "References make the configuration too large",
     "All ${NAME} of config.yaml together bring in more than 64 MiB."},
    {"foreign-home", "The home belongs to somebody else",
     "Only its owner may compile it: the files that are made must be his. Run the command as that user."},
    {"group-writable", "A group may write a source",
     "Everyone in that group can change what your agent does. chmod g-w the file."},
    {"hermes-ignores", "Hermes by itself ignores this",
     "It stands plainly in the file, so it is used here: the snapshot has it, and the pool gives it to Hermes. This "
     "only says that without this program it would do nothing."},
    {"home-locked", "Another program compiles the home",
     "A compile takes milliseconds, and others wait for it. One that does not end was stopped, or its disk does not "
     "answer. The note names the process: let it go on, or end it."},
    {"key-not-text", "A key that YAML made something else of",
     "`on:`, `1:` or `2001-01-01:` are a truth value, a number and a date as keys. Put the key in quotes."},
    {"key-refused", "The provider does not take a new key",
     "hermes_watch.require_probe asks the provider before a changed key replaces one that works, and it answered 401 or "
     "403. Nothing is published; the last good snapshot stays in force, with the old key. Put in a key that works. "
     "hermes-watch asks the same question again at the first edit after five minutes, or after a reload; hermes-compile "
     "at once."},
    {"key-unproven", "Nobody could say whether a new key works",
     "hermes_watch.require_probe had the provider asked, and it answered 429, something that says nothing of the key, "
     "or not at all. The key is used all the same. hermes-compile --probe asks again."},
    {"key-without-provider", "A key that belongs to no provider",
     "Nothing uses it. Name the provider in model.provider."},
    {"memory-damaged", "The memory of cooling keys was edited or torn",
     "compiled/cooldowns.json remembers which keys cool while their entries are out of the pool. What of it can be "
     "understood is kept, and it is written anew. At worst a key is tried that has to wait."},
    {"nesting-limit", "Values nested too deep",
     "More than 128 levels; no Hermes configuration needs them."},
    {"no-base-url", "A provider without a URL",
     "Hermes's table has none for it, because every customer has another one. Name yours: model.base_url, base_url of "
     "its entry in `providers`, or its base-URL variable in .env."},
    {"no-config", "There is no config.yaml",
     "Hermes then runs on its built-in defaults, with the keys of .env."},
    {"no-env-file", "An env file that hermes_watch.env_files names is missing",
     "Create it, or remove the line."},
    {"no-home", "There is no such home",
     "Name the Hermes home with --home, or in HERMES_HOME."},
    {"no-key", "The default provider has no key",
     "Neither the sources nor auth.json hold one, so every request to it fails. Put the key into the provider's variable "
     "in .env, or into model.api_key; look for a misspelt name. The environment of your shell does not count: a service "
     "never sees it."},
    {"no-sources", "Neither config.yaml nor .env",
     "There is nothing to compile. Most likely this is another folder than you meant."},
    {"not-a-file", "Something that is no file stands in a source's place",
     "A folder, a pipe or a device cannot be a source."},
    {"not-a-mapping", "config.yaml is no map",
     "Its top must be names with values, such as `model:`. Hermes treats this as a broken file."},
    {"not-compiled", "Something that is not in the files",
     "OAuth logins and the secret sources that Hermes asks at its start are no text that can be compiled. They go on "
     "working in Hermes; a reader of the snapshot does not have them."},
    {"not-json", "A value that JSON cannot say",
     "The snapshot has it as text: a date as ISO 8601, binary data as base64, an infinite number by its YAML name, a "
     "set as a list."},
    {"not-text", "A value that YAML did not leave as text",
     "`0123456` is a number, `no` is false, `2001-01-01` a date. What arrives is not what stands here. Put it in "
     "quotes."},
    {"not-utf-8", "A file that is not UTF-8",
     "Hermes refuses it as a whole. Save it as UTF-8."},
    {"nul-in-text", "A text with a NUL in it",
     "No variable and no HTTP header can hold it."},
    {"number-left-text", "A number that YAML leaves as text",
     "YAML 1.1 wants a dot and a signed exponent (1.0e+3), and 0o17 is not octal to it. Write the number so, or in "
     "quotes if text is meant."},
    {"number-surprise", "A number that is not what it seems",
     "To YAML 1.1, digits behind a leading 0 are octal, and 12:30 is 750 in base 60. Put it in quotes if text is "
     "meant."},
    {"orphaned-pool", "A pool of a provider that is not defined",
     "auth.json has entries for a custom provider that config.yaml does not define: it was renamed or removed. Hermes does "
     "not use them, but the keys stay in the file. Remove them with `hermes auth remove`, or name the provider as before."},
    {"plain-copy", "A variable that a source of secrets sets as well",
     "Hermes asks 1Password when it starts and uses what it gets instead of what stands in the file. So the copy serves "
     "nobody, and it is no key here. Remove it, or take the variable out of the source's list."},
    {"pool-left-alone", "A pool that cannot be understood",
     "An entry of it has a shape that no Hermes writes. The pool is left as it is, the snapshot is published all the "
     "same. Mend or remove the entry."},
    {"pool-locked", "auth.json is locked by another process",
     "Hermes holds the lock for milliseconds. A compile publishes the snapshot all the same; the pool follows when the "
     "lock is free."},
    {"pool-unreadable", "auth.json cannot be read",
     "It is left alone byte for byte; the snapshot is published all the same. Restore it from a copy, or move it "
     "away and log in again."},
    {"provider-dropped", "A custom provider that Hermes drops",
     "It needs a name and a URL with scheme and host."},
    {"readable-by-others", "Others may read a file with keys",
     "chmod 600 it."},
    {"recursive-alias", "An alias inside the value that it names",
     "Hermes ends in a RecursionError. Write the value out."},
    {"root-key-not-text", "A root key that is not text",
     "Hermes's gateway hands root values to its environment and stops at this one: what comes after it, terminal and "
     "timeouts among them, is not applied. Put the key in quotes."},
    {"root-pool-hidden", "A profile no longer sees the root's pool",
     "As long as a profile's auth.json has no entry of a provider, Hermes reads those of the root's. The key of the "
     "profile's config.yaml makes an entry, so the root's keys are no fallback any more. Add to the profile what it "
     "shall fall back to."},
    {"same-key", "Two keys become the same text",
     "In JSON `1:` and `\"1\":` are one. Rename one of them."},
    {"shadowed-key", "A key behind another one",
     "Both are for the same provider and differ. The first one goes out. A variable of the provider table behind a key "
     "of config.yaml serves when that one cools down; the second key of one and the same entry (api_key beside key_env "
     "of a custom provider) is not used at all, and no snapshot has it; nor is one whose name has another key in a file "
     "that wins: a managed file before the user's, .env before further env files, env files before the root of "
     "config.yaml. Remove the one that is not meant."},
    {"snapshot-unusable", "The previous snapshot was edited or torn",
     "It is made anew from the sources. Nothing is lost: it is derived."},
    {"source-busy", "A source is being written",
     "Another process has it open for writing, for longer than the limit. Try again when it is closed."},
    {"still-watched", "A hermes-watch would undo it",
     "--withdraw takes our entries out of auth.json; as long as a hermes-watch watches the home they come back at once. "
     "hermes-watch --uninstall ends its unit."},
    {"suppressed-source", "A variable whose pool entry was removed",
     "`hermes auth remove` told Hermes not to use it for this provider, and it is not used here either. Add it again "
     "in Hermes, or remove the variable."},
    {"suspicious-key", "A key that the provider will most likely refuse",
     "It has blanks, characters outside ASCII, quotes, dots or stars that belong to no key, or words of an example such as "
     "\"your-api-key\". Hermes sends it all the same. Paste the key again."},
    {"too-large", "A source beyond 16 MiB",
     "Nobody writes so much by hand. Most likely it is another file."},
    {"unclosed-reference", "A ${ without its }",
     "No provider's key has one: the text would go out as it stands. Close it."},
    {"unknown-key", "A key that Hermes does not read",
     "Most likely a slip of the fingers. Only the schema that this program knows is asked: a newer Hermes may read "
     "it."},
    {"unknown-provider", "There is no provider of this name",
     "It is no id or alias of the provider table and no custom provider."},
    {"unknown-value", "A value that this key does not know",
     "Hermes takes its default then. Take one of the values that are listed."},
    {"unknown-variable", "A variable that nobody knows",
     "It is a slip away from one that Hermes takes a key from."},
    {"unread-reference", "A ${NAME} that Hermes does not replace here",
     "Under `platforms`, Hermes takes the text as it stands and switches the platform off. In the snapshot the "
     "reference is replaced; for Hermes itself put the token into its variable in .env."},
    {"unreadable", "A source cannot be read",
     "Permissions, or an error of the disk. ls -l tells whose it is."},
    {"unresolved-reference", "A ${NAME} of config.yaml is not set",
     "Hermes keeps the text. Where a key or a URL is meant that is an error. Add NAME to .env. The environment of "
     "your shell does not count: a service never sees it."},
    {"unsafe-link", "A link that somebody else has planted",
     "A source that is reached through another user's link could be swapped at any time."},
    {"unsafe-mode", "Everyone may write a source",
     "Then everyone decides where your keys go. chmod o-w it."},
    {"unsafe-owner", "A source belongs to somebody else",
     "It must belong to you or to root."},
    {"unset-variable", "key_env names a variable that is not set",
     "The provider has no key then. Set it in .env."},
    {"unusable-key", "Something that is no key",
     "A placeholder, a bare reference, or less than four characters. Hermes does not use it."},
    {"word-left-text", "A y or n that is text or a truth value, by version",
     "YAML 1.1 knows y and n as truth values, PyYAML does not, and the reader of Hermes since the autumn of 2026 does. In "
     "the snapshot it is text. Write true or false, or put it in quotes."},
    {"write-failed", "A file could not be written",
     "Permissions, a full disk, or a read-only file system. What was there before is still there."},
    {"wrong-type", "A value of the wrong kind",
     "Hermes expects something else here and falls back to its default, or stops. Read the message for what is "
     "wanted."},
    {"yaml-syntax", "This is no YAML",
     "Nothing is published; the last good snapshot stays in force. Hermes would run on its defaults. The place is "
     "where the reader could not go on: the mistake is there or a little before."},
    {"yaml-readers-differ", "Only one of Hermes's two YAML readers takes this",
     "Most of Hermes reads config.yaml with libyaml, parts of the gateway with PyYAML's own scanner. Where that one "
     "refuses a file, these parts run on defaults without a word. Write it as the help says, and both agree."},
    {"yaml-tab", "A tab where a blank is meant",
     "One of Hermes's two YAML readers accepts it, the other refuses the whole file: half of the gateway then runs "
     "on defaults, without a word. Replace the tab by blanks."},
    {"yaml-value", "A value that PyYAML refuses",
     "Its tag or its form promises what it does not hold, such as a date with a 13th month. Mend it, or put it in "
     "quotes."},
    {NULL, NULL, NULL},
};
/* clang-format on */

const struct diagnostic_code *diagnostic_code_find(const char *code)
{
    for (const struct diagnostic_code *page = diagnostic_codes; page->code != NULL; page++)
        if (strcmp(page->code, code) == 0)
            return page;
    return NULL;
}
