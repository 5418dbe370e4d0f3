# dialect: c
mov %r1,%r2
ldxdw %r1,[%r10+-8]
lddw %r1,table
call %r1
jeq %r1,0,out
exit exit
if r1 = 2 goto +1
if (r1 == 0) goto +1
r0 = *(u32 *)(r1)
r0 = *(u24 *)(r1 + 0)
w0 = *(u64 *)(r1 + 0)
r1 = (s64)r2
w1 = (s32)w2
lock *(u64 *)(r1 + 0) -= r2
r1
return
nop
= 5
