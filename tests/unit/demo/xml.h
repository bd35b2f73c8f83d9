/* SPDX-License-Identifier: MIT */
/*
 * Whether a text is well-formed XML, as far as this project writes it: tags
 * nest, attributes are quoted and unique, references are known. Stateless.
 */
#ifndef TESTS_UNIT_DEMO_XML_H
#define TESTS_UNIT_DEMO_XML_H

/**
 * xml_check - look at a whole document
 * @text: the document; a doctype in front is fine
 *
 * Return: NULL, or the place in @text where it is not well-formed.
 */
const char *xml_check(const char *text);

#endif
