# to: c
	.lcomm buffer,16,8
f:	lddw %r1,buffer
	exit
