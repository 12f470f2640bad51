/* What a call came to. The attribute is on the type, so no caller can drop one. */
#ifndef BASE_RC_H
#define BASE_RC_H

/* clang-format off: version 14 takes the attribute for the start of an array */
enum [[nodiscard]] rc{
    RC_OK = 0,      RC_AGAIN,  /* not a failure: call again with more input, or more room */
    RC_END,                    /* not a failure: the orderly end of a stream */
    RC_IO,                     /* the system refused; the fault's text names the errno */
    RC_MEMORY,      RC_FORMAT, /* the bytes break their own format */
    RC_DENIED,                 /* wrong key, or an authenticity check failed */
    RC_UNSUPPORTED,            /* well formed, but not something we do */
    RC_LIMIT,                  /* beyond a limit that we set */
    RC_BUSY,                   /* somebody else holds it: already open, still in use, taken */
    RC_USAGE, /* the user's words are off: an option, an argument, an answer */
    RC_NOT_FOUND,   RC_TRUNCATED, /* well formed as far as it goes, but it was cut off */
};
/* clang-format on */

#endif
