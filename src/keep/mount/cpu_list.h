/* Lists of processors as the kernel writes them: "0-3,8". */
#ifndef KEEP_MOUNT_CPU_LIST_H
#define KEEP_MOUNT_CPU_LIST_H

#include <sched.h>
#include <stdbool.h>

/* False for what is no such list, or names a processor beyond CPU_SETSIZE. */
bool cpu_list_parse(const char *text, cpu_set_t *set);

/* A file with one; false also where there is none. */
bool cpu_list_read(const char *path, cpu_set_t *set);

#endif
