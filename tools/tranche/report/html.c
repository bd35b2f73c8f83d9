// SPDX-License-Identifier: MIT
#include "tools/tranche/report/html.h"

#include <stdarg.h>

#include "svg/svg.h"

static const char style[] =
	"body{font:15px/1.45 sans-serif;max-width:1040px;margin:24px auto;"
	"padding:0 16px;color:#222}h1{font-size:24px}h2{font-size:18px;"
	"margin-top:32px}table{border-collapse:collapse}td,th{padding:3px "
	"12px 3px 0;text-align:left;border-bottom:1px solid "
	"#ddd;vertical-align:top}.n{text-align:right;"
	"font-variant-numeric:tabular-nums}.good{color:#00693e}.bad{color:"
	"#b00020;font-weight:bold}.verdict{font-size:18px;font-weight:bold}"
	"svg{width:100%;height:auto;margin:8px 0}svg text{font:12px "
	"sans-serif;fill:#222}svg .head{font-weight:bold;font-size:15px}"
	"svg .mid{text-anchor:middle}svg .end{text-anchor:end}svg .grid{"
	"stroke:#ccc}svg .mark{stroke:#888;stroke-dasharray:2 3}"
	"svg rect{shape-rendering:crispEdges}";

void html_begin(FILE *file, const char *title)
{
	fputs("<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" "
	      "lang=\"en\"><head><meta charset=\"utf-8\"/><title>",
	      file);
	svg_write_text(file, title);
	fprintf(file, "</title><style>%s</style></head><body>\n<h1>", style);
	svg_write_text(file, title);
	fputs("</h1>\n", file);
}

void html_end(FILE *file)
{
	fputs("</body></html>\n", file);
}

void html_heading(FILE *file, const char *text)
{
	fputs("<h2>", file);
	svg_write_text(file, text);
	fputs("</h2>\n", file);
}

void html_verdict(FILE *file, bool good, const char *text)
{
	fprintf(file, "<p class=\"verdict %s\">", good ? "good" : "bad");
	svg_write_text(file, text);
	fputs("</p>\n", file);
}

void html_cell(FILE *file, const char *class, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fprintf(file, "<td class=\"%s\">", class);
	svg_write_text(file, text);
	fputs("</td>", file);
}

void html_row_begin(FILE *file)
{
	fputs("<tr>", file);
}

void html_row_end(FILE *file)
{
	fputs("</tr>\n", file);
}

void html_table_begin(FILE *file, const char *const *titles)
{
	fputs("<table>\n<tr>", file);
	for (; *titles; titles++) {
		fputs("<th>", file);
		svg_write_text(file, *titles);
		fputs("</th>", file);
	}
	fputs("</tr>\n", file);
}

void html_table_end(FILE *file)
{
	fputs("</table>\n", file);
}
