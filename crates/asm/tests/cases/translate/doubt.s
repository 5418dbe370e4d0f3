# to: c
f:	ldindw %r1,4
	ja f+8
	exit
