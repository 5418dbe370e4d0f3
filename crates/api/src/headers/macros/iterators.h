/* Loops over what an iterator of the host yields: `bpf_for_each(task, task, NULL, 0) { … }`. `break` and `return` are
 * allowed: what the iterator holds is given back when the loop is left. (clang 14 has no type for a function that only
 * `cleanup` names, so it is named once more.) */
#define bpf_for_each(type, item, ...)                                                                         \
	ABIDE_FOR_EACH(type, item, ABIDE_JOIN(abide_iterator_, __LINE__), ABIDE_JOIN(abide_begun_, __LINE__), \
		       __VA_ARGS__)
#define ABIDE_FOR_EACH(type, item, it, begun, ...)                                                            \
	for (struct bpf_iter_##type it __attribute__((aligned(8), cleanup(bpf_iter_##type##_destroy))),       \
	     *begun __attribute__((unused)) =                                                                 \
		     (bpf_iter_##type##_new(&it, __VA_ARGS__), (void)bpf_iter_##type##_destroy, &it);         \
	     ((item) = bpf_iter_##type##_next(&it));)
