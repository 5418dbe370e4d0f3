# to: gnu
.if 0
	no instruction at all
.endif
	exit
