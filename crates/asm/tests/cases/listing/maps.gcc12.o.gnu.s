# BPF object, little endian
	.file	"maps.c"

	.section	.text,"ax",@progbits

	.section	.data,"aw",@progbits

	.section	.bss,"aw",@nobits

	.section	xdp,"ax",@progbits
	.p2align	3
	.globl	leaf
	.type	leaf,@function
	.size	leaf, 16
leaf:
	mov %r0,2
	exit

	.globl	root
	.type	root,@function
	.size	root, 216
root:
	mov %r6,%r1
	stw [%r10+-4],2
	mov %r2,%r10
	add %r2,-4
	# the number is the symbol's own offset, as GNU's assembler 2.40 adds it
	lddw %r1,outer+144
	call 1
	jeq %r0,0,.L1
	mov %r2,%r10
	add %r2,-4
	# the number is the symbol's own offset, as GNU's assembler 2.40 adds it
	lddw %r1,pinned+48
	call 1
	jeq %r0,0,.L1
	mov %r2,%r10
	add %r2,-4
	lddw %r1,events
	call 1
	jeq %r0,0,.L1
	mov %r3,1
	# the number is the symbol's own offset, as GNU's assembler 2.40 adds it
	lddw %r2,jumps+104
	mov %r1,%r6
	call 12
.L1:
	mov %r0,1
	exit

	.section	license,"aw",@progbits
	.globl	LICENSE
	.type	LICENSE,@object
	.size	LICENSE, 13
LICENSE:
	.asciz	"Dual MIT/GPL"

	.section	.maps,"aw",@progbits
	.p2align	3
	.globl	events
	.type	events,@object
	.size	events, 16
events:
	.zero	16
	.globl	bloom
	.type	bloom,@object
	.size	bloom, 32
bloom:
	.zero	32
	.globl	pinned
	.type	pinned,@object
	.size	pinned, 56
pinned:
	.zero	56
	.globl	jumps
	.type	jumps,@object
	.size	jumps, 40
jumps:
	.zero	32
	.quad	leaf
	.globl	outer
	.type	outer,@object
	.size	outer, 48
outer:
	.zero	24
	.quad	inner_a+224
	.zero	8
	.quad	inner_b+192
	.globl	inner_b
	.type	inner_b,@object
	.size	inner_b, 32
inner_b:
	.zero	32
	.globl	inner_a
	.type	inner_a,@object
	.size	inner_a, 32
inner_a:
	.zero	32

	.section	.comment,"MS",@progbits,1
	.byte	0x00
	.asciz	"GCC: (12.2.0-14+deb12u1+) 12.2.0"

