#include "wire/http_problem.h"

#include "wire/http.h"
#include "wire/json.h"

/* Appends `"NAME":TEXT` behind BEFORE. */
static int append_text(struct buffer *out, const char *before, const char *name, struct bytes text)
{
	uint8_t *to;

	int r = buffer_print(out, "%s\"%s\":", before, name);
	if (r < 0)
		return r;
	r = buffer_reserve(out, json_quote_size(text), &to);
	if (r < 0)
		return r;
	buffer_commit(out, json_quote(text, to));
	return 0;
}

static int append_members(struct buffer *out, const struct http_problem *problem)
{
	const char *title = problem->title ? problem->title : http_reason(problem->status);
	const char *type = problem->type ? problem->type : "about:blank";
	int r;

	if ((r = append_text(out, "{", "type", bytes_text(type))) < 0 ||
		(r = append_text(out, ",", "title", bytes_text(title))) < 0 ||
		(r = buffer_print(out, ",\"status\":%d", problem->status)) < 0)
		return r;
	if (problem->detail.len && (r = append_text(out, ",", "detail", problem->detail)) < 0)
		return r;
	if (problem->members.len &&
		((r = buffer_append(out, ",", 1)) < 0 ||
			(r = buffer_append(out, problem->members.data, problem->members.len)) < 0))
		return r;
	return buffer_append(out, "}\n", 2);
}

int http_problem_append(struct buffer *out, const struct http_problem *problem)
{
	size_t mark = buffer_len(out);

	int r = append_members(out, problem);
	if (r < 0)
		out->end = out->start + mark;
	return r;
}
