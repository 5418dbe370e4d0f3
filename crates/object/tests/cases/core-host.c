/* clang-19 -O2 -g -target bpf -mcpu=v3 -c core-host.c -o core-host.o
 * Types of a host for core.o: farther away, larger, and one value less. */
struct inner {
	long more;
	int b[8];
};

struct task {
	char far[40000];
	struct inner inner;
	int before : 3;
	int bits : 7;
};

enum state { RUNNING = 9 };

struct task task;
enum state state;
