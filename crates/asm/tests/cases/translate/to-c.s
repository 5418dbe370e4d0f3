# to: c
	.set SIZE, 4
X = 5
f:	mov %r0,0x10 ` mov %r1,SIZE	/* two of them */
	ldxw %r2,[%r1+(2*SIZE)]
	ldxw %r2,[%r1+SIZE]
	ldxw %r2,[%r1+-SIZE]
	stxdw [%fp+-8],%r2	/* the mark is read wrongly
				   after a store */
	stxdw [%fp-8],%r2 /* moved */ ; exit
	mov %r1,(X+1)*2
	mov %r1,-(X)
	mov %r1,~X
1:	jsgt %r0,5,1f
	jeq32 %r1,%r2,+1
	ja 1b
1:	lddw %r3,f
	call f
	endbe %r3,16
	xadddw [%r1+8],%r2
	aadd [%r1+8],%r2
	ldindw %r1,0
	r1 = r2 /* already */
	.word 1
	.half 2	/* data takes it */
	.dword 3
	.align 3
	exit
