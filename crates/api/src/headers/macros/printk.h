/* Prints to the trace pipe: a format, which is a string literal, and up to three integers or pointers. */
#ifndef BPF_PRINTK_FMT_MOD
#ifdef BPF_NO_GLOBAL_DATA
#define BPF_PRINTK_FMT_MOD
#else
#define BPF_PRINTK_FMT_MOD static const
#endif
#endif
#define ABIDE_PRINTK(...)                                                                             \
	__extension__({                                                                               \
		BPF_PRINTK_FMT_MOD char abide_format[] = ABIDE_FORMAT(__VA_ARGS__, );                 \
		ABIDE_JOIN(ABIDE_PRINTK_, ABIDE_COUNT(__VA_ARGS__))(abide_format, __VA_ARGS__);       \
	})
#define ABIDE_FORMAT(format, ...) format
#define ABIDE_PRINTK_1(text, format) bpf_trace_printk(text, sizeof(text))
#define ABIDE_PRINTK_2(text, format, a) bpf_trace_printk(text, sizeof(text), a)
#define ABIDE_PRINTK_3(text, format, a, b) bpf_trace_printk(text, sizeof(text), a, b)
#define ABIDE_PRINTK_4(text, format, a, b, c) bpf_trace_printk(text, sizeof(text), a, b, c)
