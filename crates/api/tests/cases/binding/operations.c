#include "t.h"
STAMP(0, "s@S_3");
char licence[] SEC("license") = "GPL";
struct s_ops {
	int (*open)(u64, u64);
	int (*close)(u64);
	char name[16];
};
SEC("struct_ops") int opens(u64 *ctx) { return ctx[1] != 0; }
SEC("struct_ops") int closes(u64 *ctx) { return ctx[0] != 0; }
SEC(".struct_ops") struct s_ops table = { .open = (void *)opens, .close = (void *)closes, .name = "table" };
