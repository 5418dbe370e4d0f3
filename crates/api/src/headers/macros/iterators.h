/* Loops over what an iterator of the host yields: `bpf_for_each(task, task, NULL, 0) { … }`. `break` and `return` are
 * allowed: what the iterator holds is given back when the loop is left. */
#define bpf_for_each(type, item, ...) ABIDE_FOR_EACH(type, item, ABIDE_JOIN(abide_iterator_, __LINE__), __VA_ARGS__)
#define ABIDE_FOR_EACH(type, item, it, ...)                                                                   \
	for (struct bpf_iter_##type it __attribute__((aligned(8), cleanup(bpf_iter_##type##_destroy))),       \
	     *it##_begun __attribute__((unused)) = (bpf_iter_##type##_new(&it, __VA_ARGS__), &it);            \
	     ((item) = bpf_iter_##type##_next(&it));)
