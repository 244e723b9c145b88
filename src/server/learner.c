#include "server/learner.h"

#include "server/files.h"

static void learner_start(struct learner *l);

/* A file that has lost its name meanwhile is of no interest. */
static bool learner_is_wanted(const struct learner *l)
{
	struct stat st;

	return fstat(l->file.fd, &st) == 0 && st.st_nlink;
}

static void learner_run(struct job *j)
{
	struct learner *l = container_of(j, struct learner, job);
	struct catalogue *c = l->files->catalogue;

	l->result = l->file.fd < 0 ? file_open(c, bytes_text(l->name), &l->file) : 0;
	if (l->result == 0 && learner_is_wanted(l))
		l->result = file_hash(c, &l->file);
}

static void learner_done(struct job *j)
{
	struct learner *l = container_of(j, struct learner, job);

	files_did(l->files);
	if (l->result != FILE_MORE) {
		file_close(&l->file);
		buffer_consume(&l->names, strlen(l->name) + 1);
	}
	learner_start(l);
}

static void learner_start(struct learner *l)
{
	if (l->stopped || !buffer_len(&l->names))
		return;
	strcpy(l->name, (const char *)buffer_bytes(&l->names).data);
	files_do(l->files, &l->job, learner_run, learner_done);
}

void learner_init(struct learner *l, struct files *f)
{
	*l = (struct learner){.files = f, .file = FILE_NULL};
}

void learner_deinit(struct learner *l)
{
	file_close(&l->file);
	buffer_deinit(&l->names);
}

void learner_add(struct learner *l, struct bytes name)
{
	uint8_t *to;

	if (buffer_len(&l->names) + name.len >= LEARNER_MAX ||
		buffer_reserve(&l->names, name.len + 1, &to) < 0)
		return;
	memcpy(to, name.data, name.len);
	to[name.len] = 0;
	buffer_commit(&l->names, name.len + 1);
	if (!l->job.busy)
		learner_start(l);
}

void learner_stop(struct learner *l)
{
	l->stopped = true;
}
