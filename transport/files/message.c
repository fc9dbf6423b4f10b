#include "transport/files/message.h"

#include <stdarg.h>
#include <stdio.h>

void tp_message_set(struct tp_message *msg, const char *format, ...)
{
	va_list args;
	if (!msg)
		return;
	va_start(args, format);
	vsnprintf(msg->text, sizeof(msg->text), format, args);
	va_end(args);
}
