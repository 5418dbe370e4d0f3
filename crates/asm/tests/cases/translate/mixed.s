# to: gnu
f:	r0 = 1 # pseudo-C
	mov %r1,7 /* already */ ; r2 = fp
	.align 3
	exit
