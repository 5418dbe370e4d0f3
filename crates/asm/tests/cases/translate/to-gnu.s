# to: gnu
// Everything that may stand around instructions.
	.text
	.globl f	# exported
	.set SIZE, 4
f:	r0 = 0x10; r1 = SIZE	// two of them
	r2 = *(u32 *)(r1 + 2 * SIZE)
	*(u64 *)(r10 - 8) = r2;	// a separator at the end stays
	*(u8 *)(r1 + 0) = -(SIZE)

1:	if r0 s> 5 goto 1f   # far
	if w1 == w2 goto +1
	goto 1b;
1:	r3 = f ll
	r4 = f + 8 ll ; call 5 ; call f
	w3 = -w3
	r3 = be16 r3 /* inside C */
	lock *(u64 *)(r1 + 8) += r2
	r1 = /* odd */ r2
	r5 = -1 ; /* several
	   lines */ r6 = fp
	X = 'a'
	.align 8
	.addrsig
	.cfi_startproc
	.cfi_endproc
	r7 = *(u8 *)(r1 + 0x1)#end*/
	exit
	.ascii "a # b // c; \" d"
