.text
.8byte 1, symbol
.8byte
.8byte 1 2
.quad 18446744073709551615, -1
exit \
é = 5
/* no end
