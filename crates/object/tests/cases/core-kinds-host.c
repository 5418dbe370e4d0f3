/* clang-19 -O2 -g -target bpf -mcpu=v3 -c core-kinds-host.c -o core-kinds-host.o
 * Types of a host for core-kinds.o. */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;

struct other {
	int x;
};

struct thing {
	u8 first;
	u64 grows;
	long grows_signed;
	u16 shrinks;
	union {
		struct {
			struct other *pointer;
			u16 nameless;
		};
	};
	u8 flexible[];
};

struct fields {
	u64 before;
	u32 high : 9;
	u64 between : 30;
	u64 low : 20;
	u32 sign;
	u32 plain : 7;
};

struct matching {
	struct other *pointer;
	int more;
	int a;
};

typedef int (*callback)(struct other *, u64);

enum sizes { NONE, SMALL = 77, LARGE = 0x80000001, NEGATIVE = -1ll };
enum lows { LOW = -50 };
enum wide { WIDE = 0x7fffffffffffffffull };

struct thing thing;
struct fields fields;
struct matching matching;
callback call;
enum sizes sizes;
enum lows lows;
enum wide wide;
