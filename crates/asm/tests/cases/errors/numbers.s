r1 = 4294967296
r1 = -2147483649
r1 = 18446744073709551616
r1 = 0x
r1 = 12ab
r1 = 5ll
r1 = 0x10000000000000000 ll
r1 = -9223372036854775809 ll
r1 = 1 / 0
r1 = 1 << 64
r1 = (1 + 2
r1 = 1 +
r1 = 18446744073709551615 * 18446744073709551615
r0 = *(u32 *)(r1 + 32768)
r0 = *(u32 *)(r1 - 32769)
goto +40000
if r1 > 5 goto +70000
gotol +2147483648
ld_pseudo r1, 7, 42
ld_pseudo r1, 1, 0x100000000
r1 = addr_space_cast(r2, 65536, 0)
r1 = ''
r1 = '\q'
99999999999: exit
# What some assemblers read as other numbers than were written.
r1 = 0xfffffffeffffffff
w1 = 0x8000000080000000
r1 = 5Lu
r1 = 1fu
r1 = 0x5ll
call 0xfffffffe80000000
r1 = 5, 6
r1 = 1 == foo
