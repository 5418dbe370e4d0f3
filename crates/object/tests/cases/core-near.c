/* clang-19 -O2 -g -target bpf -mcpu=v3 -c core-near.c -o core-near.o
 * Types of another host for core.o: all is there, elsewhere, but for the enum. */
struct task {
	union {
		long other;
		struct {
			int pad[3];
			struct {
				unsigned char c;
				int b[3];
			} inner;
		};
	};
	int bits : 7;
};

struct task task;
