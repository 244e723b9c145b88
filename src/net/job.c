#include "net/job.h"

static void job_on_run(uv_work_t *work)
{
	struct job *j = container_of(work, struct job, work);

	j->run(j);
}

static void job_on_done(uv_work_t *work, int status)
{
	struct job *j = container_of(work, struct job, work);

	j->busy = false;
	j->done(j);
}

void job_start(
	struct loop *l, struct job *j, void (*run)(struct job *j), void (*done)(struct job *j))
{
	j->run = run;
	j->done = done;
	j->busy = true;
	uv_queue_work(&l->uv, &j->work, job_on_run, job_on_done);
}
