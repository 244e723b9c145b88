#include "base/file_name.h"

static bool segment_valid(struct bytes segment)
{
	if (!segment.len || segment.len > FILE_SEGMENT_MAX_LEN || segment.data[0] == '.')
		return false;
	for (size_t i = 0; i < segment.len; i++)
		if (segment.data[i] < ' ' || segment.data[i] == 0x7f)
			return false;
	return true;
}

bool file_name_valid(struct bytes name)
{
	struct bytes segment;

	if (name.len > FILE_NAME_MAX_LEN)
		return false;
	while (bytes_cut(&name, '/', &segment))
		if (!segment_valid(segment))
			return false;
	return segment_valid(name);
}

struct bytes file_name_parent(struct bytes name)
{
	while (name.len && name.data[name.len - 1] != '/')
		name.len--;
	if (name.len)
		name.len--;
	return name;
}

struct bytes file_name_leaf(struct bytes name)
{
	struct bytes parent = file_name_parent(name);

	return parent.len ? bytes_skip(name, parent.len + 1) : name;
}
