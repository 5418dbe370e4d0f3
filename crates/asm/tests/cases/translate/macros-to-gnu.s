# to: gnu
	.macro	load to, from, off=0	# a macro
	\to = *(u32 *)(\from + \off)
	.endm
	.macro	store n, value
	*(u64 *)(r10 - 8 * \n) = \value ; r\n = 0
.Lstored\@:
	goto .Lstored\@
	.endm
	.macro	when cond, label:vararg
	.if \cond
	goto \label
	.endif
	.endm
	.macro	narrow reg
	\reg += 1
	.endm
	load r1, r2
	load r3, r1, 0x8 ; exit
	store 2, 7
	when 1, 1f
1:	narrow w3
	.rept 2
	r1 += 1
	.endr
	.irp r, r1, r2
	\r = 0
	.endr
	.irp n, 1, 2
	r\n = be16 r\n
	.endr
	.macro	unused op
	r1 \op r2
	.endm
	exit
