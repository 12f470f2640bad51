/* A local that clears itself on every way out. struct T needs T_clear(struct T *), harmless on {0}. */
#ifndef BASE_SCOPED_H
#define BASE_SCOPED_H

#define SCOPED(T) __attribute__((cleanup(T##_clear))) struct T

#endif
