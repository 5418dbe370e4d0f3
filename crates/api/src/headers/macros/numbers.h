/* `bpf_for(i, first, end) { … }`: a loop that the verifier need not unroll. */
#define bpf_for(i, first, end) \
	ABIDE_FOR(i, first, end, ABIDE_JOIN(abide_number_, __LINE__), ABIDE_JOIN(abide_begun_, __LINE__))
#define ABIDE_FOR(i, first, end, it, begun)                                                                   \
	for (struct bpf_iter_num it __attribute__((aligned(8), cleanup(bpf_iter_num_destroy))),               \
	     *begun __attribute__((unused)) =                                                                 \
		     (bpf_iter_num_new(&it, (first), (end)), (void)bpf_iter_num_destroy, &it);                \
	     __extension__({                                                                                  \
		     int *abide_next = bpf_iter_num_next(&it);                                                \
		     (abide_next && ((i) = *abide_next, (i) >= (first) && (i) < (end)));                      \
	     });)

/* The body so many times. */
#define bpf_repeat(times) \
	ABIDE_REPEAT(times, ABIDE_JOIN(abide_number_, __LINE__), ABIDE_JOIN(abide_begun_, __LINE__))
#define ABIDE_REPEAT(times, it, begun)                                                                        \
	for (struct bpf_iter_num it __attribute__((aligned(8), cleanup(bpf_iter_num_destroy))),               \
	     *begun __attribute__((unused)) =                                                                 \
		     (bpf_iter_num_new(&it, 0, (times)), (void)bpf_iter_num_destroy, &it);                    \
	     bpf_iter_num_next(&it);)
