# dialect: gnu
ldxw r0,[r1+8]
ldxw %r0,[%r1]
ldxw %r0,(%r1+8)
mov %r1,r2
mov %r1,4294967296
mov %r11,1
movs %r1,%r2,24
neg %r1,%r1
endbe %r1,8
ldxsdw %r1,[%r2+8]
brkpt
frobnicate %r1
r1 = r2
r0 = *(u32 *)(r1 + 8)
if r1 == 0 goto out
r1 = addr_space_cast(r2, 0, 1)
