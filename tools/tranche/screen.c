// SPDX-License-Identifier: MIT
#include "tools/tranche/screen.h"

#include <errno.h>
#include <inttypes.h>
#include <langinfo.h>
#include <ncurses.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/tranche/bar.h"
#include "tools/tranche/text.h"

#define KEY_ESCAPE 27
#define KEY_DELETE 127
/* Lines above the rows, and of one row. */
#define HEAD_LINES 3
#define ROW_LINES 2

enum pair {
	PAIR_GOOD = 1,
	PAIR_WARN,
	PAIR_BAD,
};

static SCREEN *terminal;
static bool is_unicode;

int screen_open(void)
{
	/* newterm() tells of a bad terminal where initscr() would exit. */
	terminal = newterm(NULL, stdout, stdin);
	if (!terminal)
		return -ENOTTY;
	is_unicode = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	cbreak();
	noecho();
	curs_set(0);
	keypad(stdscr, TRUE);
	set_escdelay(25);
	if (has_colors() && !getenv("NO_COLOR")) {
		start_color();
		use_default_colors();
		init_pair(PAIR_GOOD, COLOR_GREEN, -1);
		init_pair(PAIR_WARN, COLOR_YELLOW, -1);
		init_pair(PAIR_BAD, COLOR_RED, -1);
	}
	return 0;
}

void screen_close(void)
{
	if (!terminal)
		return;
	endwin();
	delscreen(terminal);
	terminal = NULL;
}

static size_t rows_shown(void)
{
	int lines = (LINES - HEAD_LINES - 1) / ROW_LINES;

	return lines > 0 ? (size_t)lines : 0;
}

static void draw_gpus(const struct usage *usage)
{
	char size[TEXT_SIZE], time_text[TEXT_SIZE];
	time_t now = time(NULL);
	struct tm local;

	localtime_r(&now, &local);
	strftime(time_text, sizeof(time_text), "%H:%M:%S", &local);
	mvprintw(0, 0, "tranche top  %s  %zu vGPUs and programs", time_text,
		 usage->row_count);
	for (size_t i = 0; i < usage->gpu_count; i++) {
		const struct usage_gpu *gpu = &usage->gpus[i];

		printw("  %s", gpu->address);
		if (gpu->busy >= 0)
			printw(" busy %.0f %%", gpu->busy);
		printw(" vram %s", text_size(size, gpu->vram_used));
	}
	clrtoeol();
}

static void draw_state(const struct screen *screen)
{
	mvprintw(1, 0, "sorted by %s", usage_order_names[screen->order]);
	if (screen->editing || screen->filter[0])
		printw("  filter: %s%s", screen->filter,
		       screen->editing ? "_" : "");
	if (screen->paused)
		printw("  paused");
	clrtoeol();
}

static void draw_titles(void)
{
	attron(A_REVERSE);
	mvprintw(2, 0, "%-24s %-8s %6s %6s %6s %6s %6s %9s %9s %7s %19s %5s",
		 "VGPU", "STATE", "WEIGHT", "CAP", "RSVD", "GPU%", "WANT%",
		 "WAIT50", "WAIT99", "SUB/S", "VRAM", "KILLS");
	attroff(A_REVERSE);
	clrtoeol();
}

/* The name that says most of it, cut or filled to @width columns. */
static void draw_label(const struct usage_row *row, size_t width)
{
	const char *label = row->uuid;
	size_t bytes, used;

	if (row->vm[0] && strcmp(row->vm, "-") != 0)
		label = row->vm;
	if (row->name[0])
		label = row->name;
	bytes = text_fit(label, width);
	addnstr(label, (int)bytes);
	for (used = text_width(label); used < width; used++)
		addch(' ');
}

static int row_attribute(const struct usage_row *row)
{
	if (strcmp(row->state, "broken") == 0 ||
	    strcmp(row->state, "stopped") == 0)
		return COLOR_PAIR(PAIR_BAD);
	if (row->wanted - row->share > 3)
		return COLOR_PAIR(PAIR_WARN);
	return COLOR_PAIR(PAIR_GOOD);
}

static void draw_numbers(const struct usage_row *row)
{
	char p50[TEXT_SIZE], p99[TEXT_SIZE], used[TEXT_SIZE], limit[TEXT_SIZE];
	char vram[2 * TEXT_SIZE];

	snprintf(vram, sizeof(vram), "%s/%s", text_size(used, row->vram_used),
		 text_size(limit, row->vram_limit));
	printw(" %-8.8s %6" PRIu64 " %6.1f %6.1f %6.1f %6.1f %9s %9s %7" PRIu64
	       " %19s %5" PRIu64,
	       row->state, row->weight, row->cap, row->reservation, row->share,
	       row->wanted, text_us(p50, row->wait_p50_us),
	       text_us(p99, row->wait_p99_us), row->submits, vram, row->kills);
}

static void draw_row(const struct usage_row *row, int line)
{
	char bar[BAR_BYTES];

	move(line, 0);
	draw_label(row, 24);
	draw_numbers(row);
	clrtoeol();
	move(line + 1, 0);
	attron(row_attribute(row));
	addstr(bar_format(bar, COLS > 1 ? (size_t)COLS - 1 : 0, row->share,
			  row->wanted, is_unicode));
	attroff(row_attribute(row));
	clrtoeol();
}

static void draw_rows(const struct screen *screen, const struct usage *usage)
{
	size_t skipped = 0, shown = 0;

	for (size_t i = 0; i < usage->row_count; i++) {
		if (!usage_matches(&usage->rows[i], screen->filter))
			continue;
		if (skipped++ < screen->first)
			continue;
		if (shown == rows_shown())
			break;
		draw_row(&usage->rows[i], HEAD_LINES + (int)shown * ROW_LINES);
		shown++;
	}
	move(HEAD_LINES + (int)shown * ROW_LINES, 0);
	clrtobot();
}

static void scroll_bound(struct screen *screen, const struct usage *usage)
{
	size_t count = 0;

	for (size_t i = 0; i < usage->row_count; i++)
		count += usage_matches(&usage->rows[i], screen->filter);
	if (screen->first >= count)
		screen->first = count ? count - 1 : 0;
}

void screen_draw(struct screen *screen, struct usage *usage)
{
	usage_sort(usage, screen->order);
	scroll_bound(screen, usage);
	draw_gpus(usage);
	draw_state(screen);
	draw_titles();
	draw_rows(screen, usage);
	attron(A_DIM);
	mvprintw(LINES - 1, 0,
		 "q quit  g w e l s v n sort by GPU, wanted, weight, wait, "
		 "submits, VRAM, name  / filter  p pause");
	attroff(A_DIM);
	refresh();
}

static void key_edit(struct screen *screen, int key)
{
	size_t length = strlen(screen->filter);

	switch (key) {
	case '\n':
	case '\r':
	case KEY_ENTER:
		screen->editing = false;
		return;
	case KEY_ESCAPE:
		screen->filter[0] = '\0';
		screen->editing = false;
		return;
	case KEY_BACKSPACE:
	case KEY_DELETE:
	case '\b':
		if (length)
			screen->filter[length - 1] = '\0';
		return;
	default:
		if (key >= ' ' && key < KEY_DELETE &&
		    length + 1 < SCREEN_FILTER) {
			screen->filter[length] = (char)key;
			screen->filter[length + 1] = '\0';
		}
	}
}

static bool key_sort(struct screen *screen, int key)
{
	static const char keys[USAGE_ORDERS + 1] = "gwelsvn";
	const char *found = key > 0 && key < 128 ? strchr(keys, key) : NULL;

	if (!found)
		return false;
	screen->order = (enum usage_order)(found - keys);
	return true;
}

void screen_key(struct screen *screen, int key)
{
	if (screen->editing) {
		key_edit(screen, key);
		return;
	}
	if (key_sort(screen, key))
		return;
	switch (key) {
	case 'q':
		screen->quit = true;
		break;
	case '/':
		screen->editing = true;
		break;
	case KEY_ESCAPE:
		screen->filter[0] = '\0';
		break;
	case 'p':
		screen->paused = !screen->paused;
		break;
	case KEY_DOWN:
		screen->first++;
		break;
	case KEY_UP:
		screen->first -= screen->first > 0;
		break;
	default:
		break;
	}
}

bool screen_wait(struct screen *screen, int ms)
{
	int key;

	timeout(ms);
	key = getch();
	if (key == ERR)
		return false;
	screen_key(screen, key);
	return true;
}
