# to: c, from: gnu, semicolon comments
	mov %r1,5	; it's five; truly
; a line
	exit
