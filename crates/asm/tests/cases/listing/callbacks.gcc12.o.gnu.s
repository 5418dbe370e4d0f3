# BPF object, little endian
	.file	"callbacks.c"

	.section	.text,"ax",@progbits
	.p2align	3
	.type	visit,@function
	.size	visit, 48
visit:
	ldxw %r1,[%r2+0]
	ldxdw %r0,[%r3+0]
	add %r0,%r1
	stxdw [%r3+0],%r0
	mov %r0,0
	exit

	.globl	visit_global
	.type	visit_global,@function
	.size	visit_global, 24
visit_global:
	stdw [%r3+0],0
	mov %r0,0
	exit

	.section	.data,"aw",@progbits

	.section	.bss,"aw",@nobits

	.section	tc,"ax",@progbits
	.p2align	3
	.type	near,@function
	.size	near, 24
near:
	mov32 %r0,%r1
	add32 %r0,1
	exit

	.globl	walk
	.type	walk,@function
	.size	walk, 144
walk:
	mov %r4,0
	mov %r3,%r4
	lddw %r2,visit
	lddw %r1,values
	call 164
	mov %r4,0
	mov %r3,%r4
	# the number is the symbol's own offset, as GNU's assembler 2.40 adds it
	lddw %r2,visit_global+48
	lddw %r1,values
	call 164
	mov %r1,1
	call near
	mov32 %r0,%r0
	exit

	.section	license,"aw",@progbits
	.globl	LICENSE
	.type	LICENSE,@object
	.size	LICENSE, 4
LICENSE:
	.asciz	"GPL"

	.section	.maps,"aw",@progbits
	.p2align	3
	.globl	values
	.type	values,@object
	.size	values, 32
values:
	.zero	32

	.section	.comment,"MS",@progbits,1
	.byte	0x00
	.asciz	"GCC: (12.2.0-14+deb12u1+) 12.2.0"

