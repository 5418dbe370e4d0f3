/* A tail call with a constant index. Map and index are set right before the call, so that a JIT can make a jump of it. */
#define bpf_tail_call_static(context, map, index)                                                             \
	do {                                                                                                  \
		void *abide_context = (context);                                                              \
		barrier();                                                                                    \
		(void)bpf_tail_call(abide_context, map, index);                                               \
		barrier();                                                                                    \
	} while (0)
