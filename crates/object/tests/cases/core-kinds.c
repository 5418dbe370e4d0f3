/* clang-19 -O2 -g -target bpf -mcpu=v3 -c core-kinds.c -o core-kinds.o
 * Every kind of CO-RE relocation; core-kinds-host.c has the host's side. */
#include "bpf.h"

#define CORE __attribute__((preserve_access_index))

typedef unsigned short u16;
typedef unsigned char u8;

struct other;

struct thing___mine {
	u32 grows;
	int grows_signed;
	u64 shrinks;
	struct other *pointer;
	struct {
		u16 nameless;
	};
	u8 flexible[];
} CORE;

struct fields {
	u32 low : 3;
	u32 high : 13;
	int sign : 5;
	u32 plain;
} CORE;

struct matching {
	int a;
	struct other *pointer;
} CORE;

typedef int (*callback)(struct other *, u64);

enum sizes { SMALL = 1, LARGE = 0x80000000, NEGATIVE___x = 3 };
enum lows { LOW = -5, LOWER = -6 };
enum wide { WIDE = 0x123456789abcull };

SEC("tp_btf/one") long loads(u64 *args)
{
	struct thing___mine *thing = (void *)args[0];
	struct fields *fields = (void *)args[1];

	return thing->grows + thing->shrinks + (long)thing->pointer + thing->nameless +
	       thing->flexible[3] + thing[1].shrinks + fields->plain;
}

SEC("tp_btf/two") int poisoned(u64 *args)
{
	struct thing___mine *thing = (void *)args[0];

	return thing->grows_signed;
}

SEC("tp_btf/three") int stores(u64 *args)
{
	struct thing___mine *thing = (void *)args[0];

	thing->grows = 7;
	thing->shrinks = args[1];
	return 0;
}

SEC("tp_btf/four") long fields(u64 *args)
{
	struct fields *fields = (void *)args[0];
	long sum = 0;

#define ASK(field)                                           \
	sum += __builtin_preserve_field_info(field, 0);      \
	sum ^= __builtin_preserve_field_info(field, 1) << 1; \
	sum ^= __builtin_preserve_field_info(field, 2) << 2; \
	sum ^= __builtin_preserve_field_info(field, 3) << 3; \
	sum ^= __builtin_preserve_field_info(field, 4) << 4; \
	sum ^= __builtin_preserve_field_info(field, 5) << 5
	ASK(fields->low);
	ASK(fields->high);
	ASK(fields->sign);
	ASK(fields->plain);
	return sum;
}

SEC("tp_btf/five") long types(u64 *args)
{
	long sum = 0;

#define TYPE(type)                                                          \
	sum ^= __builtin_btf_type_id(*(type *)0, 0) << 1;                   \
	sum ^= __builtin_btf_type_id(*(type *)0, 1) << 2;                   \
	sum ^= (long)__builtin_preserve_type_info(*(type *)0, 0) << 3;      \
	sum ^= (long)__builtin_preserve_type_info(*(type *)0, 1) << 4;      \
	sum ^= (long)__builtin_preserve_type_info(*(type *)0, 2) << 5
	TYPE(struct thing___mine);
	TYPE(struct matching);
	TYPE(callback);
	TYPE(enum sizes);
	TYPE(u64);
	return sum;
}

SEC("tp_btf/six") long values(u64 *args)
{
	long sum = 0;

#define VALUE(type, value)                                                        \
	sum ^= (long)__builtin_preserve_enum_value(*(type *)value, 0) << 7;       \
	sum ^= (long)__builtin_preserve_enum_value(*(type *)value, 1)
	VALUE(enum sizes, SMALL);
	VALUE(enum sizes, NEGATIVE___x);
	VALUE(enum lows, LOW);
	VALUE(enum lows, LOWER);
	VALUE(enum wide, WIDE);
	return sum;
}

SEC("tp_btf/seven") long unsigned_value(u64 *args)
{
	return __builtin_preserve_enum_value(*(enum sizes *)LARGE, 1);
}

char LICENSE[] SEC("license") = "GPL";
