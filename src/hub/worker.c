#include "hub/worker.h"

#include <signal.h>

static void *worker_main(void *data)
{
	struct worker *w = data;
	struct list jobs = LIST_INIT(jobs);

	pthread_mutex_lock(&w->lock);
	for (;;) {
		while (list_empty(&w->todo) && !w->stopping)
			pthread_cond_wait(&w->changed, &w->lock);
		if (list_empty(&w->todo))
			break;
		if (w->at_once) {
			list_splice(&jobs, &w->todo);
		} else {
			struct list *job = w->todo.next;
			list_unlink(job);
			list_push(&jobs, job);
		}
		pthread_mutex_unlock(&w->lock);
		w->work(w, &jobs);
		pthread_mutex_lock(&w->lock);
		list_splice(&w->done, &jobs);
		pthread_mutex_unlock(&w->lock);
		w->wake(w->data);
		pthread_mutex_lock(&w->lock);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

int worker_start(struct worker *w)
{
	sigset_t all;
	sigset_t before;

	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->changed, NULL);
	list_init(&w->todo);
	list_init(&w->done);
	w->stopping = false;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int error = pthread_create(&w->thread, NULL, worker_main, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -error;
}

void worker_give(struct worker *w, struct list *job)
{
	pthread_mutex_lock(&w->lock);
	list_push(&w->todo, job);
	pthread_cond_signal(&w->changed);
	pthread_mutex_unlock(&w->lock);
}

void worker_collect(struct worker *w, struct list *jobs)
{
	pthread_mutex_lock(&w->lock);
	list_splice(jobs, &w->done);
	pthread_mutex_unlock(&w->lock);
}

bool worker_is_stopping(struct worker *w)
{
	pthread_mutex_lock(&w->lock);
	bool stopping = w->stopping;
	pthread_mutex_unlock(&w->lock);
	return stopping;
}

void worker_stop(struct worker *w)
{
	pthread_mutex_lock(&w->lock);
	w->stopping = true;
	pthread_cond_signal(&w->changed);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
}
