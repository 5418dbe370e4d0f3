/* Formats into a buffer: the format is a string literal; up to twelve integers or pointers follow. */
#define BPF_SNPRINTF(buffer, size, format, ...)                                                               \
	__extension__({                                                                                       \
		static const char abide_format[] = format;                                                    \
		ABIDE_VALUES(abide_values, ##__VA_ARGS__)                                                     \
		bpf_snprintf(buffer, size, abide_format, abide_values, ___bpf_narg(__VA_ARGS__) * 8);         \
	})
