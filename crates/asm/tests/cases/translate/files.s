# to: gnu
.file 1 "src" "f.c" md5 0x00112233445566778899aabbccddeeff
.file 2 "/usr" "/abs.h"
f:
.loc 1 3 5
	exit
