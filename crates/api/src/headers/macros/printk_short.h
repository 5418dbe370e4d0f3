#define bpf_printk(...) ABIDE_PRINTK(__VA_ARGS__)
