/* metrics.csv: one row a value, in the order of time. RFC 4180 where a field needs quotes; line ends are plain. */
#include <string.h>

#include "sim/report/file.h"

static void put_field(FILE *to, const char *field)
{
	if (strpbrk(field, ",\"\r\n") == NULL) {
		fputs(field, to);
		return;
	}
	fputc('"', to);
	for (; *field != '\0'; field++) {
		if (*field == '"')
			fputc('"', to);
		fputc(*field, to);
	}
	fputc('"', to);
}

static void put_row(FILE *to, const struct scenario_row *row)
{
	char number[REPORT_NUMBER];
	const char *const fields[] = { row->node, row->peer, row->channel, row->metric };

	fputs(report_number(number, row->time_s), to);
	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
		fputc(',', to);
		put_field(to, fields[i] == NULL ? "" : fields[i]);
	}
	fprintf(to, ",%s\n", report_number(number, row->value));
}

bool report_csv(const struct report_run *run, const char *dir, char error[REPORT_ERROR_TEXT])
{
	struct report_file file;

	if (!report_open(&file, dir, "metrics.csv", error))
		return false;
	fputs("time_s,node,peer,channel,metric,value\n", file.stream);
	for (size_t i = 0; i < run->results->num_rows; i++)
		put_row(file.stream, &run->results->rows[i]);
	return report_close(&file, error);
}
