# to: c
	.macro	load to, from, off=0	/* a macro */
	ldxw	\to,[%\from+\off]
	.endm
	.macro	clear n
	mov	%r\n,0
	.endm
	load	%r1, r2
	load	%r3, r1, 8	/* the second */
	clear	4
	exit
