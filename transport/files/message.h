/*
 * What goes wrong with a file is told in words: which file, which line or key, what is wrong, what to do. Functions in
 * this room that can fail take a buffer for that; it holds a text after every error and is left alone otherwise.
 */
#ifndef TP_FILES_MESSAGE_H
#define TP_FILES_MESSAGE_H

#include <stddef.h>

#define TP_MESSAGE 512u /* long enough for a path and a sentence; longer texts are cut */

struct tp_message {
	char text[TP_MESSAGE];
};

/* As snprintf. msg may be null. */
void tp_message_set(struct tp_message *msg, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
