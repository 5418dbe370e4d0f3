/* Programs that the benchmark runs: each does one kind of work, on global data or one map.
 *
 *     clang-19 -O2 -g -target bpf -mcpu=v3 -ffile-compilation-dir=. -c bench.bpf.c -o bench.bpf.o
 */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#define SEC(name) __attribute__((section(name), used))
#define __uint(name, value) int(*name)[value]
#define __type(name, value) typeof(value) *name
#define NOINLINE __attribute__((noinline))
#define ROLLED _Pragma("clang loop unroll(disable)")

static void *(*const lookup)(void *map, const void *key) = (void *)1;
static long (*const update)(void *map, const void *key, const void *value, u64 flags) = (void *)2;

u8 text[4096];
u32 heap[1024];
u64 numbers[256];

struct {
	__uint(type, 1); /* hash */
	__uint(max_entries, 256);
	__type(key, u64);
	__type(value, u64);
} words SEC(".maps");

/* A rolling checksum (Adler-32) over 4 KiB. */
SEC("bench")
u64 adler(void)
{
	u32 a = 1, b = 0;

	ROLLED
	for (u32 i = 0; i < sizeof(text); i++) {
		a += text[i] + i;
		b += a;
		if (!(i & 1023)) {
			a %= 65521;
			b %= 65521;
		}
	}
	return (u64)(b % 65521) << 16 | a % 65521;
}

/* A binary heap: pushes and pops pseudo-random numbers. What it compares is in memory, so that a verifier that walks paths
 * takes every way through the heap for every size of it: 192 numbers are about 930,000 instructions of a million. */
SEC("bench")
u64 heapsort(void)
{
	u32 seed = 1, size = 0;
	u64 sum = 0;

	ROLLED
	for (u32 i = 0; i < 192; i++) {
		u32 at = size++;

		seed = seed * 1664525 + 1013904223;
		heap[at & 1023] = seed;
		ROLLED
		while (at) {
			u32 parent = (at - 1) / 2;
			u32 value = heap[at & 1023];

			if (heap[parent & 1023] <= value)
				break;
			heap[at & 1023] = heap[parent & 1023];
			heap[parent & 1023] = value;
			at = parent;
		}
	}
	ROLLED
	while (size) {
		u32 at = 0;

		sum = sum * 31 + heap[0];
		heap[0] = heap[--size & 1023];
		ROLLED
		for (;;) {
			u32 child = 2 * at + 1, value = heap[at & 1023];

			if (child >= size)
				break;
			if (child + 1 < size && heap[(child + 1) & 1023] < heap[child & 1023])
				child++;
			if (value <= heap[child & 1023])
				break;
			heap[at & 1023] = heap[child & 1023];
			heap[child & 1023] = value;
			at = child;
		}
	}
	return sum;
}

/* A tokenizer: letters, digits and the rest, by a state machine over the text. */
SEC("bench")
u64 tokens(void)
{
	u32 state = 0, count = 0;
	u64 number = 0, sum = 0;

	ROLLED
	for (u32 i = 0; i < sizeof(text); i++) {
		u8 c = (u8)(text[i] + i * 7);
		u32 next = c >= '0' && c <= '9' ? 1 : (c | 32) >= 'a' && (c | 32) <= 'z' ? 2 : 0;

		if (next == 1)
			number = number * 10 + (c - '0');
		if (next != state) {
			if (state == 1)
				sum += number, number = 0;
			count++;
		}
		state = next;
	}
	return sum + count;
}

/* Counts words in a hash map. */
SEC("bench")
u64 histogram(void)
{
	u64 total = 0;

	ROLLED
	for (u64 i = 0; i < 64; i++) {
		u64 key = i * i & 31, one = 1;
		u64 *count = lookup(&words, &key);

		if (count)
			total += ++*count;
		else
			update(&words, &key, &one, 0);
	}
	return total;
}

static NOINLINE u64 mix(u64 a, u64 b)
{
	return (a ^ b) * 0x9e3779b97f4a7c15ULL;
}

static NOINLINE u64 pair(u64 a, u64 b)
{
	return mix(a, b) + mix(b, a >> 7);
}

/* Three calls for each number, with little work in them. */
SEC("bench")
u64 calls(void)
{
	u64 sum = 1;

	ROLLED
	for (u32 i = 0; i < 256; i++)
		sum = pair(sum, numbers[i]);
	return sum;
}

/* Works on its stack: reverses and sums a buffer. */
SEC("bench")
u64 stack(void)
{
	volatile u64 buffer[32];
	u64 sum = 0;

	ROLLED
	for (u32 round = 0; round < 32; round++) {
		ROLLED
		for (u32 i = 0; i < 32; i++)
			buffer[i & 31] = round * i;
		ROLLED
		for (u32 i = 0; i < 16; i++) {
			u64 swapped = buffer[i & 31];

			buffer[i & 31] = buffer[31 - i];
			buffer[31 - i] = swapped;
		}
		sum += buffer[round & 31];
	}
	return sum;
}
