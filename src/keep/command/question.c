#include "keep/command/question.h"

#include <stdio.h>
#include <unistd.h>

enum rc question_ask(const char *place, bool yes, struct fault *why, const char *format, ...)
{
    char text[1024], answer[8];
    va_list args;

    if (yes)
        return RC_OK;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
        return fail(why, RC_USAGE, "%s Nothing was done; --yes does it.", text);
    fprintf(stderr, "%s Go on? [y/N] ", text);
    if (!fgets(answer, sizeof answer, stdin) || (answer[0] != 'y' && answer[0] != 'Y'))
        return fail(why, RC_USAGE, "%s: was left as it is", place);
    return RC_OK;
}
