// SPDX-License-Identifier: MIT
/*
 * Contexts: one for each process that came in by a door. Nothing they send is
 * trusted: each packet is one size, each number is bounded, and whoever breaks
 * the protocol is shut out.
 */
#include "scheduler/arbiter/internal.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scheduler/lane/door_listen.h"
#include "scheduler/lane/door_wire.h"

#define PACKETS_AT_ONCE 16
/* How long a killed process keeps the GPU while it is being taken down. */
#define REAP_NS (100 * NS_PER_MS)

static void account_unlink(struct context *context)
{
	struct context **link = &context->account->contexts;

	while (*link != context)
		link = &(*link)->next;
	*link = context->next;
}

/*
 * For ever only if it was to be killed: a gate that lost its connection, or its
 * arbiter, may show its lane again.
 */
static void lane_end(struct context *context)
{
	/* The bell is closed as a source. */
	context->lane.bell_fd = -1;
	if (!context->lane.memory)
		return;
	if (context->killed)
		lane_close(&context->lane);
	else
		lane_revoke(&context->lane);
	lane_unmap(&context->lane);
}

void context_end(struct context *context)
{
	struct account *account = context->account;
	struct arbiter *arbiter = account->arbiter;

	if (context->ended)
		return;
	context->ended = true;
	if (context->joined) {
		context_leave_core(context);
		account->joined--;
		arbiter->contexts--;
		arbiter_event(arbiter, ARBITER_CONTEXT_LEFT, account,
			      context->pid, 0);
	} else {
		account->pending--;
	}
	source_forget(arbiter, &context->bell);
	source_forget(arbiter, &context->process);
	source_forget(arbiter, &context->connection);
	account_unlink(context);
	account_release(context, context->vram);
	lane_end(context);
	context->next = arbiter->garbage;
	arbiter->garbage = context;
}

void context_kill(struct context *context)
{
	struct arbiter *arbiter = context->account->arbiter;

	if (context->killed)
		return;
	context->killed = true;
	if (context->process.fd >= 0)
		pidfd_send_signal(context->process.fd, SIGKILL, NULL, 0);
	if (context->joined)
		lane_close(&context->lane);
	context->reap_ns = arbiter->now_ns + REAP_NS;
	arbiter->reap_ns = min_time(arbiter->reap_ns, context->reap_ns);
}

/* Those that were killed and are still not gone lose their hold. */
void arbiter_reap(struct arbiter *arbiter)
{
	struct account *account;
	struct context *context;

	if (arbiter->now_ns < arbiter->reap_ns)
		return;
	arbiter->reap_ns = TSCHED_NEVER;
	for (account = arbiter->accounts; account; account = account->next) {
		for (context = account->contexts; context;
		     context = context->next) {
			if (!context->killed || !context->in_core)
				continue;
			if (context->reap_ns <= arbiter->now_ns)
				context_leave_core(context);
			else
				arbiter->reap_ns = min_time(arbiter->reap_ns,
							    context->reap_ns);
		}
	}
}

void arbiter_collect(struct arbiter *arbiter)
{
	struct context *context;
	struct account *account;

	while ((context = arbiter->garbage)) {
		arbiter->garbage = context->next;
		free(context);
	}
	while ((account = arbiter->dead_accounts)) {
		arbiter->dead_accounts = account->next;
		free(account);
	}
}

/* Whether this kill is one too many. */
static bool guard_trips(struct account *account)
{
	const struct arbiter_settings *settings = &account->settings;
	uint64_t now = account->arbiter->now_ns;
	uint64_t first;

	account->kill_times[account->kills++ % GUARD_KILLS_MAX] = now;
	if (!settings->guard_kills || account->kills < settings->guard_kills)
		return false;
	first = account->kill_times[(account->kills - settings->guard_kills) %
				    GUARD_KILLS_MAX];
	/* 0: before the account was reset. */
	return first && now - first <= settings->guard_ns;
}

static void account_stop(struct account *account)
{
	struct context *context;

	account->stopped = true;
	arbiter_event(account->arbiter, ARBITER_ACCOUNT_STOPPED, account, 0, 0);
	for (context = account->contexts; context; context = context->next)
		context_kill(context);
}

void context_overran(struct context *context)
{
	struct account *account = context->account;

	if (context->killed)
		return;
	context_kill(context);
	arbiter_event(account->arbiter, ARBITER_CONTEXT_KILLED, account,
		      context->pid, 0);
	if (guard_trips(account) && !account->stopped)
		account_stop(account);
}

/* Room for one more: who has waited longest without a word goes. */
static void pending_trim(struct account *account)
{
	struct context *oldest = NULL;
	struct context *context;

	if (account->pending < ACCOUNT_PENDING_MAX)
		return;
	for (context = account->contexts; context; context = context->next)
		if (!context->joined)
			oldest = context;
	context_end(oldest);
}

static int context_new(struct account *account, int fd)
{
	struct context *context = calloc(1, sizeof(*context));
	int r;

	if (!context) {
		close(fd);
		return -ENOMEM;
	}
	pending_trim(account);
	context->account = account;
	context->next = account->contexts;
	account->contexts = context;
	account->pending++;
	context->lane.bell_fd = -1;
	context->connection = (struct source){
		.kind = SOURCE_CONNECTION,
		.fd = fd,
		.account = account,
		.context = context,
	};
	context->bell = context->connection;
	context->bell.kind = SOURCE_BELL;
	context->bell.fd = -1;
	context->process = context->bell;
	context->process.kind = SOURCE_PROCESS;
	context->process.fd = door_peer(fd, &context->pid);
	r = context->process.fd;
	if (r >= 0)
		r = source_watch(account->arbiter, &context->process, EPOLLIN);
	if (r >= 0)
		r = source_watch(account->arbiter, &context->connection,
				 EPOLLIN | EPOLLRDHUP);
	if (r < 0)
		context_end(context);
	return r;
}

void context_accept(struct account *account)
{
	int fd = door_accept(account->door.fd);

	if (fd >= 0)
		context_new(account, fd);
}

/* Why the one who says HELLO may not come in, or 0. */
static int hello_check(const struct context *context,
		       const struct door_packet *hello)
{
	const struct account *account = context->account;

	if (hello->value != DOOR_VERSION)
		return -EPROTONOSUPPORT;
	if (account->stopped || context->killed)
		return -EACCES;
	if (account->joined == ACCOUNT_CONTEXTS_MAX ||
	    account->arbiter->contexts == CONTEXTS_MAX)
		return -EUSERS;
	if (hello->bytes > UINT64_MAX - account->vram_used)
		return -ERANGE;
	return 0;
}

static uint64_t inode_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) < 0 ? 0 : st.st_ino;
}

/* Its connection was lost, and this was not noticed yet. */
static void end_earlier(struct account *account, uint64_t inode)
{
	struct context *context = account->contexts;

	while (context && !(context->joined && context->lane_inode == inode))
		context = context->next;
	if (context)
		context_end(context);
}

static int hello_lane(struct context *context, struct door_message *hello)
{
	int r;

	if (!hello->fd_count)
		return lane_create(&context->lane);
	end_earlier(context->account, inode_of(hello->fds[0]));
	r = lane_adopt(&context->lane, hello->fds[0]);
	if (r == 0)
		door_message_take(hello, 0);
	return r;
}

static int welcome_send(struct context *context, bool again)
{
	struct door_message welcome = {.packet.type = DOOR_WELCOME};

	if (!again)
		welcome.fds[welcome.fd_count++] = context->lane.memory_fd;
	welcome.fds[welcome.fd_count++] = context->lane.bell_fd;
	return door_send(context->connection.fd, &welcome, MSG_DONTWAIT);
}

static void refusal_send(struct context *context, int verdict)
{
	struct door_message welcome = {
		.packet = {.type = DOOR_WELCOME, .value = verdict},
	};

	door_send(context->connection.fd, &welcome, MSG_DONTWAIT);
}

/* From here on it is a context among others, or an error ends it. */
static int context_join(struct context *context, struct door_message *hello)
{
	struct account *account = context->account;
	struct arbiter *arbiter = account->arbiter;
	bool again = hello->fd_count;
	int r = hello_check(context, &hello->packet);

	if (r == 0)
		r = hello_lane(context, hello);
	if (r < 0)
		return r;
	/* The source owns the bell from here on. */
	context->bell.fd = context->lane.bell_fd;
	context->lane_inode = inode_of(context->lane.memory_fd);
	context->submits = lane_submitted_total(&context->lane);
	r = context_enter_core(context);
	if (r < 0)
		return r;
	context->joined = true;
	account->pending--;
	account->joined++;
	arbiter->contexts++;
	context->vram = hello->packet.bytes;
	account->vram_used += context->vram;
	account_tell_vram(account);
	arbiter_event(arbiter, ARBITER_CONTEXT_JOINED, account, context->pid,
		      0);
	r = welcome_send(context, again);
	if (r < 0)
		return r;
	/* The gate has it now. */
	close(context->lane.memory_fd);
	context->lane.memory_fd = -1;
	return source_watch(arbiter, &context->bell, EPOLLIN | EPOLLET);
}

static void context_hello(struct context *context, struct door_message *hello)
{
	int r = context_join(context, hello);

	if (r == 0) {
		context_feed(context);
		return;
	}
	refusal_send(context, r);
	context_end(context);
}

static int context_answer(struct context *context, int verdict)
{
	struct door_message answer = {
		.packet = {.type = DOOR_VERDICT, .value = verdict},
	};

	/* Who asks and does not read breaks the protocol. */
	return door_send(context->connection.fd, &answer, MSG_DONTWAIT);
}

static int context_handle(struct context *context, struct door_message *message)
{
	const struct door_packet *packet = &message->packet;

	switch (packet->type) {
	case DOOR_HELLO:
		if (context->joined)
			return -EBADMSG;
		context_hello(context, message);
		return 0;
	case DOOR_CHARGE:
		if (!context->joined)
			return -EBADMSG;
		return context_answer(context,
				      account_charge(context, packet->bytes));
	case DOOR_RELEASE:
		if (!context->joined)
			return -EBADMSG;
		account_release(context, packet->bytes);
		return 0;
	default:
		return -EBADMSG;
	}
}

void context_receive(struct context *context)
{
	struct door_message message;
	unsigned int i;
	int r = 0;

	for (i = 0; r == 0 && !context->ended && i < PACKETS_AT_ONCE; i++) {
		r = door_receive(context->connection.fd, &message,
				 MSG_DONTWAIT);
		if (r < 0)
			break;
		r = context_handle(context, &message);
		door_message_deinit(&message);
	}
	if (r < 0 && r != -EAGAIN)
		context_end(context);
}
