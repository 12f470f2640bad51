/* gate: the command line, and which of the programs behind it is meant. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/options.h"
#include "base/scoped.h"
#include "base/text.h"
#include "gate/command/dev.h"
#include "gate/command/directives.h"
#include "gate/command/fmt.h"
#include "gate/command/pid_file.h"
#include "gate/command/tell.h"
#include "gate/diagnostics.h"
#include "gate/explain.h"
#include "gate/master.h"
#include "gate/nginx_names.h"
#include "gate/request.h"
#include "gate/site_load.h"
#include "gate/site_reader.h"
#include "gate/status_command.h"
#include "gate/variables.h"
#include "gate/version.h"
#include "io/title.h"

struct words {
    bool help, version, details, test, dump, quiet;
    const char *signal, *prefix, *error_log, *file, *globals;
};

static const struct option_row rows[] = {
    {"help", 'h', NULL, "Shows this.", offsetof(struct words, help)},
    {"help", '?', NULL, "The same.", offsetof(struct words, help)},
    {"version", 'v', NULL, "Shows the version.", offsetof(struct words, version)},
    {"details", 'V', NULL, "Shows the version and what is built in.",
     offsetof(struct words, details)},
    {"test", 't', NULL, "Tests the configuration and exits.", offsetof(struct words, test)},
    {"dump", 'T', NULL, "The same, and shows all that was read.",
     offsetof(struct words, dump)},
    {"quiet", 'q', NULL, "Shows only errors when testing.", offsetof(struct words, quiet)},
    {"signal", 's', "WORD", "Tells the running gate to stop, quit, reopen or reload.",
     offsetof(struct words, signal)},
    {"prefix", 'p', "FOLDER", "What relative paths start from.",
     offsetof(struct words, prefix)},
    {"error-log", 'e', "FILE",
     "Takes errors until the configuration names another; or stderr.",
     offsetof(struct words, error_log)},
    {"config", 'c', "FILE", "The configuration.", offsetof(struct words, file)},
    {"global", 'g', "TEXT", "Directives in front of the configuration.",
     offsetof(struct words, globals)},
    {0},
};

/*
 * Where things are, when nobody says. With a prefix of the user's own they are all below it.
 */
struct places {
    struct version_places standard;
    const char *own_file, *own_pid_file; /* below a prefix that was given */
};

static const struct places gate_places = {
    {"/etc/gate/", "/etc/gate/gate.conf", "/run/gate.pid", NULL, NULL},
    "gate.conf",
    "gate.pid",
};
static const struct places nginx_places = {
    {"/etc/nginx/", "/etc/nginx/nginx.conf", "/run/nginx.pid", "/var/log/nginx/error.log",
     "/var/log/nginx/access.log"},
    "conf/nginx.conf",
    "logs/nginx.pid",
};

static const struct places *places_of(bool as_nginx)
{
    return as_nginx ? &nginx_places : &gate_places;
}

static void print_help(const char *program)
{
    version_print(strcmp(program, "nginx") == 0, NULL);
    printf(
        "Usage: %s [-?hvVtTq] [-s WORD] [-p FOLDER] [-e FILE] [-c FILE] [-g TEXT]\n"
        "       %s dev ORIGIN [PATH=ORIGIN ...]\n"
        "       %s fmt [--write | --check] [FILE ...]\n"
        "       %s directives [NAME]\n"
        "       %s explain [-c FILE] [-X METHOD] [-H FIELD] URL\n"
        "       %s status [-c FILE] [--json]\n\n"
        "gate stands in front of your servers and takes nginx's configuration: gate(8).\n\n",
        program, program, program, program, program, program);
    options_print(rows);
}

/* `path` from `folder` on, where it is relative; NULL stays NULL. */
static const char *path_from(struct arena *arena, const char *folder, const char *path)
{
    if (!path || path[0] == '/')
        return path;
    return arena_printf(arena, "%s%s", folder, path);
}

/* Absolute, with a '/' at its end; NULL where there is no memory or no working directory. */
static const char *folder_path(struct arena *arena, const char *path)
{
    char here[4096];
    const char *slash = *path == '\0' || path[strlen(path) - 1] == '/' ? "" : "/";

    if (path[0] == '/')
        return arena_printf(arena, "%s%s", path, slash);
    if (!getcwd(here, sizeof here))
        return NULL;
    return arena_printf(arena, "%s/%s%s", here, path, slash);
}

/* What the configuration is read with, by the words of the command line. */
static bool find_places(struct site_context *context, const struct words *words,
                        struct arena *arena)
{
    const struct places *places = places_of(context->as_nginx);
    const struct version_places *standard = &places->standard;
    const char *error_log = words->error_log;
    bool own = words->prefix != NULL;

    context->prefix = own ? folder_path(arena, words->prefix) : standard->prefix;
    if (!context->prefix)
        return false;
    context->file =
        path_from(arena, context->prefix,
                  words->file ? words->file : (own ? places->own_file : standard->file));
    context->pid_file =
        path_from(arena, context->prefix, own ? places->own_pid_file : standard->pid_file);
    if (!error_log && !own)
        error_log = standard->error_log;
    context->error_log = error_log && strcmp(error_log, "stderr") == 0
                             ? "stderr"
                             : path_from(arena, context->prefix, error_log);
    context->access_log = own ? NULL : standard->access_log;
    context->globals = words->globals;
    return context->file && context->pid_file;
}

/* The log that is in use before the configuration is read: -e. */
struct first_log {
    struct arena arena;
    struct journal_files files;
    struct error_log log;
    struct journal_settings settings;
};

static void first_log_open(struct first_log *first, const char *path)
{
    struct fault why = {0};

    if (!path)
        return;
    if (journal_add(&first->files, span_text(path), &first->arena, &first->log.file, &why) !=
            RC_OK ||
        journal_open(&first->files, &why) != RC_OK) {
        log_line(LOG_LEVEL_ALERT, "could not open error log file: %s", why.text);
        return;
    }
    first->log.level = LOG_LEVEL_NOTICE;
    first->settings.error = &first->log;
    first->settings.error_count = 1;
    diagnostics_to(&first->settings);
}

/* The site's own logs take over from here. */
static void first_log_clear(struct first_log *first)
{
    diagnostics_to(NULL);
    journal_close(&first->files);
    arena_clear(&first->arena);
}

/* -t, -T */
static int test(const struct words *words, struct site_context *context, const char *program)
{
    SCOPED(text) dump = {0};
    struct fault why = {0};
    struct site *site;
    enum rc rc;

    context->dump = words->dump ? &dump : NULL;
    rc = site_load(&site, context);
    if (rc == RC_OK) {
        if (!words->quiet)
            fprintf(stderr, "%s: the configuration file %s syntax is ok\n", program,
                    context->file);
        if ((rc = master_test(site, &why)) != RC_OK)
            log_line(LOG_LEVEL_EMERG, "%s", why.text);
        site_release(site);
    }
    if (rc != RC_OK || !words->quiet)
        fprintf(stderr, "%s: configuration file %s test %s\n", program, context->file,
                rc == RC_OK ? "is successful" : "failed");
    if (rc == RC_OK && dump.at)
        fputs(dump.at, stdout);
    return rc == RC_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* -s */
static int tell(const struct words *words, const struct site_context *context)
{
    struct fault why = {.text = "no pid file is configured"};
    struct site *site;
    enum rc rc = RC_USAGE;

    if (site_load(&site, context) != RC_OK)
        return EXIT_FAILURE;
    log_line(LOG_LEVEL_NOTICE, "signal process started");
    if (site->process.pid_file.len > 0)
        rc = tell_send((const char *)site->process.pid_file.at, tell_signal(words->signal),
                       &why);
    if (rc != RC_OK)
        log_line(LOG_LEVEL_ERROR, "%s", why.text);
    site_release(site);
    return rc == RC_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int start(const struct site_context *context)
{
    struct site *site;

    if (site_load(&site, context) != RC_OK)
        return EXIT_FAILURE;
    return master_run(site, context);
}

static int run(const struct words *words, struct site_context *context, const char *program)
{
    if (words->test || words->dump)
        return test(words, context, program);
    if (words->signal)
        return tell(words, context);
    return start(context);
}

static int run_with_log(const struct words *words, struct site_context *context,
                        const char *program)
{
    struct first_log first = {0};
    int status;

    if (!find_places(context, words, &first.arena)) {
        log_line(LOG_LEVEL_EMERG, "no memory, or no working directory");
        return EXIT_FAILURE;
    }
    first_log_open(&first, context->error_log);
    status = run(words, context, program);
    first_log_clear(&first);
    return status;
}

static int usage(const char *program, const char *text)
{
    fprintf(stderr, "%s: %s\n", program, text);
    return EXIT_FAILURE;
}

static int run_words(const char *program, int argc, char **argv)
{
    struct site_context context = {.variables = &request_variables,
                                   .argv = argv,
                                   .as_nginx = strcmp(program, "nginx") == 0};
    struct words words = {0};
    struct fault why = {0};
    char text[300];
    int operands = argc - 1;

    if (options_parse(rows, &words, argv + 1, &operands, &why) != RC_OK)
        return usage(program, why.text);
    if (operands > 0) {
        snprintf(text, sizeof text, "invalid option: \"%.200s\"", argv[1]);
        return usage(program, text);
    }
    if (words.signal && tell_signal(words.signal) == 0) {
        snprintf(text, sizeof text, "invalid option: \"-s %.200s\"", words.signal);
        return usage(program, text);
    }
    if (words.help)
        print_help(program);
    else if (words.version || words.details)
        version_print(context.as_nginx,
                      words.details ? &places_of(context.as_nginx)->standard : NULL);
    if ((words.help || words.version || words.details) && !words.test && !words.dump)
        return EXIT_SUCCESS;
    return run_with_log(&words, &context, program);
}

/* "gate dev": the configuration is made of the words, and served in the foreground. */
static int run_dev(int argc, char **argv)
{
    struct site_context context = {
        .file = "gate dev",
        .error_log = "stderr",
        .variables = &request_variables,
        .argv = argv - 2, /* "gate dev" in front */
    };
    SCOPED(arena) arena = {0};
    SCOPED(text) text = {0};
    SCOPED(text) greeting = {0};
    struct dev_options options = {0};
    struct fault why = {0};

    if (dev_configuration(argv, argc, &options, &text, &greeting, &why) != RC_OK)
        return usage("gate", why.text);
    if (options.help) {
        dev_help();
        return EXIT_SUCCESS;
    }
    if (options.print) {
        fputs(text.at, stdout);
        return EXIT_SUCCESS;
    }
    context.text = text.at;
    context.greeting = greeting.at;
    context.prefix = folder_path(&arena, "");
    return context.prefix ? start(&context) : usage("gate", "the working directory is gone");
}

static int run_fmt(int argc, char **argv)
{
    struct fault why = {0};
    int status = fmt_run(argv, argc, &why);

    return why.text[0] ? usage("gate", why.text) : status;
}

static int run_directives(int argc, char **argv)
{
    SCOPED(text) out = {0};
    struct fault why = {0};
    enum rc rc = RC_OK;

    if (argc == 0)
        directives_list(&site_language, &out);
    if (argc == 1 && strcmp(argv[0], "--json") == 0) {
        directives_write_json(&site_language, nginx_names_at, &out);
        argc = 0;
    }
    for (int i = 0; i < argc && rc == RC_OK; i++)
        rc = directives_show(&site_language, argv[i], &out, &why);
    if (rc == RC_OK && !text_ok(&out))
        rc = fail(&why, RC_MEMORY, "no memory for the list");
    if (rc != RC_OK)
        return usage("gate", why.text);
    fputs(out.at, stdout);
    return EXIT_SUCCESS;
}

struct explain_words {
    const char *file, *prefix, *globals, *method, *from;
    bool help;
};

static const struct option_row explain_rows[] = {
    {"config", 'c', "FILE", "The configuration.", offsetof(struct explain_words, file)},
    {"prefix", 'p', "FOLDER", "What relative paths start from.",
     offsetof(struct explain_words, prefix)},
    {"global", 'g', "TEXT", "Directives in front of the configuration.",
     offsetof(struct explain_words, globals)},
    {"method", 'X', "METHOD", "GET, where nothing is said.",
     offsetof(struct explain_words, method)},
    {"from", 0, "ADDRESS", "The client's; 127.0.0.1, where nothing is said.",
     offsetof(struct explain_words, from)},
    {"help", 'h', NULL, "Shows this.", offsetof(struct explain_words, help)},
    {0},
};

/* Takes "-H FIELD", which may stand several times, out of the words. */
static enum rc take_fields(struct explain_question *question, int *argc, char **argv,
                           struct fault *why)
{
    int kept = 0;

    for (int i = 0; i < *argc; i++) {
        if (strncmp(argv[i], "-H", 2) != 0) {
            argv[kept++] = argv[i];
            continue;
        }
        if (argv[i][2] == '\0' && i + 1 == *argc)
            return fail(why, RC_USAGE, "-H wants a field: -H 'Name: value'");
        if (question->fields_count == EXPLAIN_FIELDS)
            return fail(why, RC_LIMIT, "more than %d fields", EXPLAIN_FIELDS);
        question->fields[question->fields_count++] = argv[i][2] ? argv[i] + 2 : argv[++i];
    }
    *argc = kept;
    return RC_OK;
}

/* A site for a command that serves nothing: without a prefix, the file is found from the working directory. */
static enum rc load_from_here(struct site **site, const char *file, const char *prefix,
                              const char *globals, struct fault *why)
{
    struct site_context context = {.variables = &request_variables};
    struct words places = {.prefix = prefix, .globals = globals};
    SCOPED(arena) arena = {0};
    const char *here = folder_path(&arena, "");

    places.file = prefix ? file : path_from(&arena, here, file);
    if (!here || !find_places(&context, &places, &arena))
        return fail(why, RC_MEMORY, "no memory, or no working directory");
    if (site_load(site, &context) != RC_OK)
        return fail(why, RC_FORMAT, "%s cannot be used", context.file);
    return RC_OK;
}

static enum rc explain_words(const struct explain_words *words,
                             struct explain_question *question, struct text *out,
                             struct fault *why)
{
    struct site *site;
    enum rc rc = load_from_here(&site, words->file, words->prefix, words->globals, why);

    if (rc != RC_OK)
        return rc;
    question->method = words->method;
    question->from = words->from;
    rc = explain(site, question, out, why);
    site_release(site);
    return rc;
}

static int run_explain(int argc, char **argv)
{
    struct explain_question question = {0};
    struct explain_words words = {0};
    SCOPED(text) out = {0};
    struct fault why = {0};

    if (take_fields(&question, &argc, argv, &why) != RC_OK ||
        options_parse(explain_rows, &words, argv, &argc, &why) != RC_OK)
        return usage("gate", why.text);
    if (words.help) {
        puts("usage: gate explain [OPTIONS] [-H 'NAME: VALUE' ...] URL\n\n"
             "Says what a request would get, step by step, and sends nothing.\n");
        options_print(explain_rows);
        return EXIT_SUCCESS;
    }
    if (argc != 1)
        return usage("gate", "one URL is wanted: gate explain http://HOST/PATH");
    question.url = argv[0];
    if (explain_words(&words, &question, &out, &why) != RC_OK)
        return usage("gate", why.text);
    fputs(out.at, stdout);
    return EXIT_SUCCESS;
}

struct status_words {
    const char *file, *prefix, *globals;
    bool json, help;
};

static const struct option_row status_rows[] = {
    {"config", 'c', "FILE", "The configuration of the running gate.",
     offsetof(struct status_words, file)},
    {"prefix", 'p', "FOLDER", "What relative paths start from.",
     offsetof(struct status_words, prefix)},
    {"global", 'g', "TEXT", "Directives in front of the configuration.",
     offsetof(struct status_words, globals)},
    {"json", 0, NULL, "Shows what the status location says, as it is.",
     offsetof(struct status_words, json)},
    {"help", 'h', NULL, "Shows this.", offsetof(struct status_words, help)},
    {0},
};

static enum rc find_status(const struct status_words *words, struct text *out,
                           struct fault *why)
{
    struct site *site;
    enum rc rc = load_from_here(&site, words->file, words->prefix, words->globals, why);

    if (rc != RC_OK)
        return rc;
    rc = status_command(site, words->json, out, why);
    site_release(site);
    return rc;
}

static int run_status(int argc, char **argv)
{
    struct status_words words = {0};
    SCOPED(text) out = {0};
    struct fault why = {0};

    if (options_parse(status_rows, &words, argv, &argc, &why) != RC_OK)
        return usage("gate", why.text);
    if (words.help) {
        puts("usage: gate status [OPTIONS]\n\n"
             "Shows how the upstreams of the running gate and their servers do.\n");
        options_print(status_rows);
        return EXIT_SUCCESS;
    }
    if (argc > 0)
        return usage("gate", "gate status takes options alone");
    if (find_status(&words, &out, &why) != RC_OK)
        return usage("gate", why.text);
    fputs(out.at, stdout);
    return EXIT_SUCCESS;
}

/* What gate does besides serving; called as nginx it has none of these. */
static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"dev", run_dev}, {"directives", run_directives}, {"explain", run_explain},
    {"fmt", run_fmt}, {"status", run_status},
};

int main(int argc, char **words)
{
    const char *slash = argc > 0 ? strrchr(words[0], '/') : NULL;
    const char *name = slash ? slash + 1 : argc > 0 ? words[0] : "gate";
    const char *program = strcmp(name, "nginx") == 0 ? "nginx" : "gate";
    char **argv = title_begin(argc, words, program);

    diagnostics_begin(program);
    for (size_t i = 0; argc > 1 && i < sizeof commands / sizeof *commands; i++)
        if (strcmp(argv[1], commands[i].name) == 0 && strcmp(program, "gate") == 0)
            return commands[i].run(argc - 2, argv + 2);
    return run_words(program, argc, argv);
}
