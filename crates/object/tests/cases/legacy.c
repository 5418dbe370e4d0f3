/* clang-19 -O2 -g -target bpf -mcpu=v3 -c legacy.c -o legacy.o
 * What objects looked like before type information: `maps`, `version`. */
#include "bpf.h"

struct bpf_map_def {
	u32 type;
	u32 key_size;
	u32 value_size;
	u32 max_entries;
	u32 map_flags;
};

struct bpf_map_def SEC("maps") table = { 1, 4, 8, 256, 1 };
struct bpf_map_def SEC("maps") array = { 2, 4, 16, 8, 0 };

SEC("kprobe/do_exit") int probe(void *ctx)
{
	u32 key = 1;

	return map_lookup_elem(&array, &key) != map_lookup_elem(&table, &key);
}

u32 VERSION SEC("version") = 0x050a00;
char LICENSE[] SEC("license") = "GPL v2";
