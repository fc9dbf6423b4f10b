/* A file being written; the first error is kept and told once, when it is closed. */
#ifndef SIM_REPORT_FILE_H
#define SIM_REPORT_FILE_H

#include "sim/report/report.h"

struct report_file {
	FILE *stream;
	char path[REPORT_PATH];
};

/* dir/name, truncated. */
bool report_open(struct report_file *file, const char *dir, const char *name, char error[REPORT_ERROR_TEXT]);
/* False when any write failed; a full disk shows here at the latest. */
bool report_close(struct report_file *file, char error[REPORT_ERROR_TEXT]);

#endif
