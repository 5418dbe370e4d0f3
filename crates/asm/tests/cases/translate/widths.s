# to: gnu
	.macro	more reg
	\reg += 1
	.endm
	more	r1
	more	w2
	exit
