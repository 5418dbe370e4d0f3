# level: v2
if r1 < r2 goto +0
r1 = bswap16 r1
if w1 == 0 goto +0
r1 s/= r2
lock *(u64 *)(r1 + 0) += r2
lock *(u64 *)(r1 + 0) |= r2
