// SPDX-License-Identifier: MIT
#include "xml.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define DEPTH_MAX 32

struct parser {
	const char *at;
	const char *names[DEPTH_MAX];
	size_t lengths[DEPTH_MAX];
	size_t depth;
	bool ended;
};

static size_t name_length(const char *text)
{
	return strspn(text,
		      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		      "0123456789-:");
}

static bool skip_reference(struct parser *parser)
{
	static const char *const known[] = {"&lt;", "&gt;", "&amp;", "&quot;"};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		size_t length = strlen(known[i]);

		if (strncmp(parser->at, known[i], length) == 0) {
			parser->at += length;
			return true;
		}
	}
	return false;
}

/* Up to a character of @stop. */
static bool skip_text(struct parser *parser, const char *stop)
{
	while (*parser->at && !strchr(stop, *parser->at)) {
		if (*parser->at == '&') {
			if (!skip_reference(parser))
				return false;
			continue;
		}
		if ((unsigned char)*parser->at < ' ' && !isspace(*parser->at))
			return false;
		parser->at++;
	}
	return true;
}

static bool skip_attributes(struct parser *parser)
{
	size_t length;

	while (isspace(*parser->at)) {
		parser->at++;
		length = name_length(parser->at);
		if (!length)
			return false;
		parser->at += length;
		if (strncmp(parser->at, "=\"", 2) != 0)
			return false;
		parser->at += 2;
		if (!skip_text(parser, "\"<") || *parser->at != '"')
			return false;
		parser->at++;
	}
	return true;
}

static bool open_tag(struct parser *parser)
{
	size_t length = name_length(parser->at);

	if (!length || parser->depth == DEPTH_MAX || parser->ended)
		return false;
	parser->names[parser->depth] = parser->at;
	parser->lengths[parser->depth] = length;
	parser->at += length;
	if (!skip_attributes(parser))
		return false;
	if (strncmp(parser->at, "/>", 2) == 0)
		parser->at += 2;
	else if (*parser->at == '>')
		parser->at++, parser->depth++;
	else
		return false;
	return true;
}

static bool close_tag(struct parser *parser)
{
	size_t length = name_length(parser->at);

	if (!parser->depth || length != parser->lengths[parser->depth - 1] ||
	    memcmp(parser->at, parser->names[parser->depth - 1], length) != 0 ||
	    parser->at[length] != '>')
		return false;
	parser->at += length + 1;
	parser->depth--;
	parser->ended = !parser->depth;
	return true;
}

const char *xml_check(const char *text)
{
	struct parser parser = {.at = text};
	bool well = true;

	if (strncmp(text, "<!DOCTYPE html>", 15) == 0)
		parser.at += 15;
	while (well && *parser.at) {
		well = skip_text(&parser, "<");
		if (!well || !*parser.at)
			break;
		parser.at++;
		if (*parser.at == '/')
			parser.at++, well = close_tag(&parser);
		else
			well = open_tag(&parser);
	}
	return well && parser.ended ? NULL : parser.at;
}
