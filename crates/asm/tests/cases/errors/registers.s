# Names that other assemblers take for symbols, or encode though they do not exist.
r11 = r1
R1 = R2
r1 = R2
r1 = r12
w1 += r2
r1 += w2
if r1 == w2 goto +1
r1 = -r2
r1 = be16 r2
r2 = atomic_fetch_add((u64 *)(r1 + 0), r3)
r3 = cmpxchg_64(r1 + 0, r0, r2)
r0 = cmpxchg_64(r1 + 0, r3, r2)
r1 = *(u8 *)skb[7]
goto r3
r5: exit
R5: exit
callx w1
