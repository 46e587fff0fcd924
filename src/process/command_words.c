/*
 * Knows which options of python take a word of their own.
 */
#include "process/command_words.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* The next word; NULL behind the last one. A word that is cut off is none: it may be anything. */
static const char *next_word(const char **at, const char *end)
{
	const char *word = *at;
	const char *nul = word < end ? memchr(word, '\0', (size_t)(end - word)) : NULL;

	if (!nul)
		return NULL;
	*at = nul + 1;
	return word;
}

static const char *without_folder(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

/* The letter of an option that ends those of python ('c', 'm') or takes the next word ('W', 'X');
   `ret_value` is what follows it in the same word. 0: there is none. */
static char telling_letter(const char *word, const char **ret_value)
{
	const char *letter = strpbrk(word + 1, "cmWX");

	if (word[1] == '-' || !letter)
		return 0;
	*ret_value = letter + 1;
	return *letter;
}

/* What python runs: `kind` and `what` go behind its name. */
static void find_script(const char *at, const char *end, const char **kind, const char **what)
{
	const char *word;
	const char *value = "";

	while ((word = next_word(&at, end))) {
		char letter;

		if (word[0] != '-' || !word[1]) {
			*kind = " ";
			*what = word;
			return;
		}
		if (strcmp(word, "--") == 0)
			continue;
		letter = telling_letter(word, &value);
		if (strcmp(word, "--check-hash-based-pycs") == 0 ||
		    ((letter == 'W' || letter == 'X') && !*value))
			next_word(&at, end);
		if (letter == 'c')
			*kind = " -c";
		if (letter == 'm') {
			*kind = " -m ";
			*what = *value ? value : next_word(&at, end);
		}
		if (letter == 'c' || letter == 'm')
			return;
	}
}

void pyi_command_words_shown(const char *words, size_t size_bytes, char *ret_text,
			     size_t capacity_bytes)
{
	const char *at = words;
	const char *end = words + size_bytes;
	const char *program = next_word(&at, end);
	const char *kind = "";
	const char *what = NULL;

	ret_text[0] = '\0';
	if (!program)
		return;
	/* A title, or a program in a folder with a space: both are no arguments. */
	if (!strchr(program, ' '))
		program = without_folder(program);
	if (strncmp(program, "python", strlen("python")) == 0 && !strchr(program, ' '))
		find_script(at, end, &kind, &what);
	snprintf(ret_text, capacity_bytes, "%s%s%s", program, kind, what ? what : "");
}
