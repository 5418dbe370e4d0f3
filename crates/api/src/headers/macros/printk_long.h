/* The same with up to eight. */
#define ABIDE_VPRINTK(format, ...)                                                                    \
	__extension__({                                                                               \
		static const char abide_format[] = format;                                            \
		ABIDE_VALUES(abide_values, __VA_ARGS__)                                               \
		bpf_trace_vprintk(abide_format, sizeof(abide_format), abide_values, sizeof(abide_values)); \
	})
#define bpf_printk(...) ABIDE_JOIN(ABIDE_PRINTK_BY_, ABIDE_COUNT(__VA_ARGS__))(__VA_ARGS__)
#define ABIDE_PRINTK_BY_1(...) ABIDE_PRINTK(__VA_ARGS__)
#define ABIDE_PRINTK_BY_2(...) ABIDE_PRINTK(__VA_ARGS__)
#define ABIDE_PRINTK_BY_3(...) ABIDE_PRINTK(__VA_ARGS__)
#define ABIDE_PRINTK_BY_4(...) ABIDE_PRINTK(__VA_ARGS__)
#define ABIDE_PRINTK_BY_5(...) ABIDE_VPRINTK(__VA_ARGS__)
#define ABIDE_PRINTK_BY_6(...) ABIDE_VPRINTK(__VA_ARGS__)
#define ABIDE_PRINTK_BY_7(...) ABIDE_VPRINTK(__VA_ARGS__)
#define ABIDE_PRINTK_BY_8(...) ABIDE_VPRINTK(__VA_ARGS__)
#define ABIDE_PRINTK_BY_9(...) ABIDE_VPRINTK(__VA_ARGS__)
