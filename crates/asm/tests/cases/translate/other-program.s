# to: gnu
	.macro	put value
	*(u32 *)(r1 + 0) = \value
	.endm
	put	r2
	put	5
	exit
