/* All 19 kinds. Made by
 *   clang-19 -O2 -g -target bpf -c types.c -o types.o
 *   llvm-objcopy-19 --dump-section .BTF=types.btf --dump-section .BTF.ext=types.ext types.o
 * and with -target bpfeb for types.be.btf and types.be.ext. */
typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;

#define SEC(name) __attribute__((section(name), used))
#define tag(text) __attribute__((btf_decl_tag(text)))
#define type_tag(text) __attribute__((btf_type_tag(text)))

struct only_declared;
union declared_too;

enum verdict { ABORTED, DROP, PASS = 7 };
enum small { MINUS = -1, PLUS = 1 };
enum large { HUGE = 0x8000000000000000ULL, TINY = 1 };
enum negative { LOWEST = -0x7000000000000000LL };

typedef int (*visitor)(void *ctx, const char *name, ...);

struct counter {
	u64 packets;
	u64 bytes;
};

struct nested {
	struct {
		int left;
		int right;
	};
	union {
		u32 word;
		u8 bytes[4];
	};
	union {
		long as_long;
		double as_double;
	} named;
};

struct everything {
	_Bool flag;
	char name[8];
	u8 address[6];
	signed char small;
	short number;
	u32 low : 3;
	int high : 5;
	enum verdict verdict : 4;
	_Bool bit : 1;
	enum verdict whole;
	enum small sign;
	enum large large;
	struct counter counters[2];
	struct nested nested;
	struct only_declared *pointer;
	union declared_too *other;
	volatile int *const restricted;
	visitor visit;
	int (*matrix)[3][4];
	float ratio;
	struct everything type_tag("user") *next;
	__int128 wide;
	char tail[];
} tag("described");

struct everything everything SEC(".data") = { .flag = 1 };
enum negative lowest = LOWEST;
static volatile u32 seen;
extern const int elsewhere __attribute__((section(".ksyms")));

__attribute__((noinline)) int copy(char *restrict to tag("argument"), const char *restrict from)
{
	return *to = *from + seen++;
}

SEC("xdp") int run(struct everything *arg)
{
	return copy(arg->name, everything.name) + elsewhere + lowest;
}
