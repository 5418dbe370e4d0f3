# BPF object, little endian
	.file	"basics.c"
	.globl	host_read
	.weak	host_maybe

	.section	.text,"ax",@progbits
	.p2align	3
	.globl	add_global
	.type	add_global,@function
	.size	add_global, 80
add_global:
	# basics.c:39  return add(a, second) + hidden;
	r2 = second ll
	r2 = *(u64 *)(r2 + 0)
	call add
	r1 = hidden ll
	r1 = *(u64 *)(r1 + 0)
	r1 += r0
	r0 = r1
	exit

	.type	add,@function
	.size	add, 88
add:
	# basics.c:30  static NOINLINE u64 add(u64 a, u64 b)
	r0 = r2
	# basics.c:33  return a + b + table[2] + hidden_too;
	r0 += r1
	r1 = table ll
	r1 = *(u64 *)(r1 + 16)
	r0 += r1
	r1 = hidden_too ll
	r1 = *(u64 *)(r1 + 0)
	r0 += r1
	exit

	.type	other,@function
	.size	other, 48
other:
	# basics.c:45  return a * 3 + zero_too;
	r1 *= 3
	r2 = zero_too ll
	r0 = *(u64 *)(r2 + 0)
	r0 += r1
	exit

	.section	xdp,"ax",@progbits
	.p2align	3
	.globl	count
	.type	count,@function
	.size	count, 264
count:
	# basics.c:49  int count(void *ctx)
	w1 = 0
	# basics.c:51  u32 key = 0;
	*(u32 *)(r10 - 4) = r1
	r2 = r10
	r2 += -4
	# basics.c:52  struct counter *counter = map_lookup_elem(&counters, &key);
	r1 = counters ll
	call 1
	# basics.c:54  if (counter)
	if r0 == 0 goto .L1
	# basics.c:55  counter->packets++;
	r1 = *(u64 *)(r0 + 0)
	r1 += 1
	*(u64 *)(r0 + 0) = r1
.L1:
	# basics.c:56  zero++;
	r1 = zero ll
	r2 = *(u64 *)(r1 + 0)
	r2 += 1
	*(u64 *)(r1 + 0) = r2
	# basics.c:57  return add_global(first) + other(table[3]) + host_read(limit);
	r1 = first ll
	r1 = *(u64 *)(r1 + 0)
	call add_global
	r6 = r0
	r1 = table ll
	r1 = *(u64 *)(r1 + 24)
	call other
	r7 = r0
	w7 += w6
	r1 = limit ll
	r1 = *(u32 *)(r1 + 0)
	call host_read
	w0 += w7
	exit

	.globl	count_more
	.type	count_more,@function
	.size	count_more, 120
count_more:
	# basics.c:63  return add(apart, 2) + (host_maybe ? host_maybe(1) : 0);
	r1 = apart ll
	r1 = *(u32 *)(r1 + 0)
	r2 = 2
	call add
	r6 = r0
	r0 = 0
	r1 = host_maybe ll
	if r1 == 0 goto .L2
	w1 = 1
	call host_maybe
	w0 = w0
.L2:
	w0 += w6
	exit

	.section	"?tc","ax",@progbits
	.p2align	3
	.globl	unloved
	.type	unloved,@function
	.size	unloved, 24
unloved:
.L3:
	# basics.c:69  return other(1);
	r1 = 1
	call other
.L4:
	exit

	.section	.data,"aw",@progbits
	.p2align	3
	.globl	first
	.type	first,@object
	.size	first, 8
first:
	.quad	0x5
	.globl	second
	.type	second,@object
	.size	second, 8
second:
	.quad	0x6
	.globl	table
	.type	table,@object
	.size	table, 32
table:
	.byte	0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00
	.byte	0x00, 0x00, 0x00, 0x00, 0x03, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00
	.byte	0x04, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00
	.type	hidden,@object
	.size	hidden, 8
hidden:
	.quad	0x7
	.type	hidden_too,@object
	.size	hidden_too, 8
hidden_too:
	.quad	0x8

	.section	.rodata,"a",@progbits
	.p2align	2
	.globl	limit
	.type	limit,@object
	.size	limit, 4
limit:
	.long	0x3

	.section	.data.apart,"aw",@progbits
	.p2align	2
	.globl	apart
	.type	apart,@object
	.size	apart, 4
apart:
	.long	0x9

	.section	.data.where,"aw",@progbits
	.p2align	3
	.globl	where
	.type	where,@object
	.size	where, 8
where:
	.quad	table + 8

	.section	.data.withheld,"aw",@progbits
	.p2align	3
	.globl	withheld
	.hidden	withheld
	.type	withheld,@object
	.size	withheld, 8
withheld:
	.quad	0x1

	.section	.maps,"aw",@progbits
	.p2align	3
	.globl	counters
	.type	counters,@object
	.size	counters, 40
counters:
	.zero	40

	.section	.bss,"aw",@nobits
	.p2align	3
	.globl	zero
	.type	zero,@object
	.size	zero, 8
zero:
	.zero	8
	.globl	zero_too
	.type	zero_too,@object
	.size	zero_too, 8
zero_too:
	.zero	8

	.section	license,"aw",@progbits
	.globl	LICENSE
	.type	LICENSE,@object
	.size	LICENSE, 4
LICENSE:
	.asciz	"GPL"

	.section	.bpf.api,"a",@progbits
	.globl	stamp
	.type	stamp,@object
	.size	stamp, 16
stamp:
	.asciz	"linux@LINUX_6.5"

