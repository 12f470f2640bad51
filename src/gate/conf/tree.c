#include "gate/conf/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gate/conf/hint.h"
#include "gate/conf/lexer.h"

enum {
    DEPTH_MAX = 100,      /* blocks and includes within each other */
    BYTES_MAX = 64 << 20, /* of all files, each counted as often as it is included */
    WORDS_MAX = 1 << 20,  /* of one statement */
};

/* The statement that is being read. */
struct statement {
    struct conf_word *words;
    size_t count, room;
};

static void add_fault(struct conf_tree *tree, const struct fault_place *place,
                      const struct fault *why)
{
    faults_add(tree->faults, place, false, NULL, "%s", why->text);
}

struct fault_place conf_place(const struct conf_node *node, size_t word)
{
    const struct conf_word *w = &node->words[word < node->count ? word : 0];
    struct fault_place place = {
        .file = node->file->name,
        .text = node->file->text,
        .command = node->file->command,
        .line = w->line,
        .column = w->column,
        .width = (uint32_t)w->text.len,
        .end_line = node->end_line,
        .order = node->order,
    };

    return place;
}

static struct fault_place place_in(struct conf_tree *tree, const struct conf_file *file,
                                   uint32_t line, uint32_t column)
{
    return (struct fault_place){
        .file = file->name,
        .text = file->text,
        .command = file->command,
        .line = line,
        .column = column,
        .end_line = line,
        .order = ++tree->order,
    };
}

/* Takes one word more; the array doubles when it is full. */
static enum rc add_word(struct conf_tree *tree, struct statement *s,
                        const struct lexer_token *token, struct fault *why)
{
    if (s->count == s->room) {
        size_t room = s->room ? 2 * s->room : 4;
        struct conf_word *words = arena_take_array(tree->arena, room, sizeof *words);

        if (!words)
            return fail(why, RC_MEMORY, "no memory for a statement");
        if (s->count == WORDS_MAX)
            return fail(why, RC_LIMIT, "a statement of more than %d words", WORDS_MAX);
        if (s->count > 0)
            memcpy(words, s->words, s->count * sizeof *words);
        s->words = words;
        s->room = room;
    }
    if (s->count == 0)
        tree->begun = token->line;
    s->words[s->count++] = (struct conf_word){token->text, token->line, token->column};
    return RC_OK;
}

static struct conf_node *add_node(struct conf_tree *tree, const struct conf_file *file,
                                  const struct statement *s, const struct lexer_token *end)
{
    struct conf_node *node = arena_take(tree->arena, sizeof *node);

    if (!node)
        return NULL;
    node->file = file;
    node->words = s->words;
    node->count = s->count;
    node->block = end->kind == LEXER_OPEN;
    node->end_line = end->line;
    node->order = ++tree->order;
    return node;
}

static void append(struct conf_tree *tree, struct conf_node *node)
{
    *tree->end = node;
    tree->end = &node->next;
}

static enum rc read_statements(struct conf_tree *tree, struct conf_file *file, struct lexer *l,
                               bool in_block, struct lexer_token *token, struct fault *why);

static void read_file(struct conf_tree *tree, const char *path, const struct conf_node *from);

/* Its children, and its end. */
static enum rc read_block(struct conf_tree *tree, struct conf_file *file, struct lexer *l,
                          struct conf_node *node, struct lexer_token *token, struct fault *why)
{
    struct conf_node **end = tree->end;
    enum rc rc;

    if (file->command)
        return fail(why, RC_FORMAT, "block directives are not supported in -g option");
    if (tree->depth == DEPTH_MAX)
        return fail(why, RC_LIMIT, "blocks and includes lie more than %d deep", DEPTH_MAX);
    tree->depth++;
    tree->end = &node->children;
    rc = read_statements(tree, file, l, true, token, why);
    if (rc == RC_FORMAT && !tree->unclosed)
        tree->unclosed = node;
    tree->end = end;
    tree->depth--;
    node->close_line = l->line;
    node->close_order = ++tree->order;
    return rc;
}

/* The files that "include PATTERN" names, each read in place. */
static void include(struct conf_tree *tree, const struct conf_node *node)
{
    struct span name = node->words[1].text;
    char *pattern =
        arena_printf(tree->arena, "%s%.*s",
                     name.len > 0 && name.at[0] == '/' ? "" : tree->directory, SPAN_ARG(name));
    glob_t found = {0};

    if (!pattern)
        return read_file(tree, "", node);
    if (!strpbrk(pattern, "*?["))
        return read_file(tree, pattern, node);
    if (glob(pattern, 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc; i++)
            read_file(tree, found.gl_pathv[i], node);
    }
    globfree(&found);
}

static bool is_include(const struct conf_node *node)
{
    return span_equal(node->words[0].text, SPAN("include")) && node->count == 2 &&
           !node->block;
}

/* One statement, whose words are read and whose end is `token`. */
static enum rc end_statement(struct conf_tree *tree, struct conf_file *file, struct lexer *l,
                             const struct statement *s, struct lexer_token *token,
                             struct fault *why)
{
    struct conf_node *node = add_node(tree, file, s, token);

    if (!node)
        return fail(why, RC_MEMORY, "no memory for a statement");
    if (is_include(node)) {
        include(tree, node);
        return RC_OK;
    }
    append(tree, node);
    return node->block ? read_block(tree, file, l, node, token, why) : RC_OK;
}

/* Up to the end of the block or of the file. After RC_FORMAT, *token names the place. */
static enum rc read_statements(struct conf_tree *tree, struct conf_file *file, struct lexer *l,
                               bool in_block, struct lexer_token *token, struct fault *why)
{
    struct statement s = {0};
    enum rc rc;

    while ((rc = lexer_next(l, tree->arena, token, why)) == RC_OK) {
        switch (token->kind) {
        case LEXER_WORD:
            rc = add_word(tree, &s, token, why);
            break;
        case LEXER_OPEN:
        case LEXER_END:
            rc = end_statement(tree, file, l, &s, token, why);
            s = (struct statement){0};
            break;
        case LEXER_CLOSE:
            if (in_block)
                return RC_OK;
            return fail(why, RC_FORMAT, "unexpected \"}\"");
        }
        if (rc != RC_OK)
            return rc;
    }
    if (rc == RC_END && in_block)
        return fail(why, RC_FORMAT, "unexpected end of file, expecting \"}\"");
    return rc == RC_END ? RC_OK : rc;
}

static void read_text(struct conf_tree *tree, struct conf_file *file)
{
    struct lexer l = {
        .in = file->text, .line = 1, .strict = tree->strict, .command = file->command};
    struct lexer_token token = {0};
    struct fault why = {0};

    if (read_statements(tree, file, &l, false, &token, &why) != RC_OK) {
        struct fault_place place = place_in(tree, file, token.line, token.column);
        char room[HINT_MAX];

        faults_add(tree->faults, &place, false,
                   hint_for_syntax(&l, why.text, tree->unclosed, tree->begun, room), "%s",
                   why.text);
        tree->unclosed = NULL;
    }
}

/* All of a descriptor into `text`. */
static enum rc read_all(int fd, struct arena *arena, size_t max, struct span *text)
{
    struct stat st;
    uint8_t *at;
    size_t len = 0;

    if (fstat(fd, &st) != 0)
        return RC_IO;
    if (S_ISDIR(st.st_mode)) {
        errno = EISDIR;
        return RC_IO;
    }
    if (st.st_size < 0 || (uint64_t)st.st_size > max)
        return RC_LIMIT;
    at = arena_take(arena, (size_t)st.st_size + 1);
    if (!at)
        return RC_MEMORY;
    while (len < (size_t)st.st_size) {
        ssize_t got = read(fd, at + len, (size_t)st.st_size - len);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return RC_IO;
        if (got == 0)
            break;
        len += (size_t)got;
    }
    *text = span_of(at, len);
    return RC_OK;
}

static struct conf_file *new_file(struct conf_tree *tree, const char *name, struct span text)
{
    struct conf_file *file = arena_take(tree->arena, sizeof *file), **at = &tree->files;

    if (!file)
        return NULL;
    file->name = arena_text(tree->arena, span_text(name));
    file->text = text;
    while (*at)
        at = &(*at)->next;
    *at = file;
    return file->name ? file : NULL;
}

/* nginx's words for a file that cannot be had. */
static struct conf_file *open_file(struct conf_tree *tree, const char *path, struct fault *why)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct span text = {0};
    struct conf_file *file;
    enum rc rc;

    if (fd < 0) {
        (void)fail(why, RC_IO, "open() \"%s\" failed (%d: %s)", path, errno, strerror(errno));
        return NULL;
    }
    rc = read_all(fd, tree->arena, BYTES_MAX, &text);
    if (rc == RC_IO)
        (void)fail(why, RC_IO, "pread() \"%s\" failed (%d: %s)", path, errno, strerror(errno));
    close(fd);
    if (rc == RC_LIMIT)
        (void)fail(why, RC_LIMIT, "\"%s\" is larger than %d bytes", path, BYTES_MAX);
    if (rc != RC_OK && rc != RC_MEMORY)
        return NULL;
    file = rc == RC_OK ? new_file(tree, path, text) : NULL;
    if (!file)
        (void)fail(why, RC_MEMORY, "no memory for \"%s\"", path);
    return file;
}

static struct conf_file *find_file(const struct conf_tree *tree, const char *path)
{
    struct conf_file *file = tree->files;

    while (file && (file->command || strcmp(file->name, path) != 0))
        file = file->next;
    return file;
}

/* What is checked before a file is read once more. */
static enum rc may_read(const struct conf_tree *tree, const struct conf_file *file,
                        struct fault *why)
{
    if (file->open)
        return fail(why, RC_LIMIT, "\"%s\" includes itself", file->name);
    if (tree->depth == DEPTH_MAX)
        return fail(why, RC_LIMIT, "blocks and includes lie more than %d deep", DEPTH_MAX);
    if (file->text.len > BYTES_MAX - tree->bytes)
        return fail(why, RC_LIMIT, "the configuration is larger than %d bytes", BYTES_MAX);
    return RC_OK;
}

/* `from` is the include, or NULL for the first file. */
static void read_file(struct conf_tree *tree, const char *path, const struct conf_node *from)
{
    struct conf_file *file = find_file(tree, path);
    struct fault why = {0};

    if (!file)
        file = open_file(tree, path, &why);
    if (!file || may_read(tree, file, &why) != RC_OK) {
        struct fault_place nowhere = {0};
        struct fault_place place = from ? conf_place(from, 1) : nowhere;

        tree->faults->incomplete = true;
        return add_fault(tree, &place, &why);
    }
    file->open = true;
    tree->depth++;
    tree->bytes += file->text.len + 1;
    read_text(tree, file);
    tree->depth--;
    file->open = false;
}

void conf_tree_read(struct conf_tree *tree, const char *path)
{
    if (!tree->end)
        tree->end = &tree->first;
    read_file(tree, path, NULL);
}

static void read_given(struct conf_tree *tree, const char *name, const char *text,
                       bool command)
{
    struct conf_file *file = new_file(tree, name, span_text(text));

    if (!tree->end)
        tree->end = &tree->first;
    if (!file) {
        faults_add(tree->faults, &(struct fault_place){0}, false, NULL,
                   "no memory for the configuration");
        return;
    }
    file->command = command;
    file->open = true;
    read_text(tree, file);
    file->open = false;
}

void conf_tree_read_text(struct conf_tree *tree, const char *name, const char *text)
{
    read_given(tree, name, text, false);
}

void conf_tree_read_command(struct conf_tree *tree, const char *text)
{
    read_given(tree, "command line", text, true);
}

void conf_tree_dump(const struct conf_tree *tree, struct text *out)
{
    for (const struct conf_file *file = tree->files; file; file = file->next) {
        if (file->command)
            continue;
        text_printf(out, "# configuration file %s:\n", file->name);
        text_add(out, file->text);
        text_add_char(out, '\n');
    }
}

bool conf_nodes_have(const struct conf_node *nodes, struct span name)
{
    while (nodes && !span_equal(nodes->words[0].text, name))
        nodes = nodes->next;
    return nodes != NULL;
}
