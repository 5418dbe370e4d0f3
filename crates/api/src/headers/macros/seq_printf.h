/* Formats into the output of an iterator, in the same way. */
#define BPF_SEQ_PRINTF(seq, format, ...)                                                                      \
	__extension__({                                                                                       \
		static const char abide_format[] = format;                                                    \
		ABIDE_VALUES(abide_values, ##__VA_ARGS__)                                                     \
		bpf_seq_printf(seq, abide_format, sizeof(abide_format), abide_values,                         \
			       ___bpf_narg(__VA_ARGS__) * 8);                                                 \
	})
