r1 = table
w1 += table
if r1 == table goto +1
r0 = *(u32 *)(r1 + table)
*(u32 *)(r1 + 0) = table
r1 = -table ll
r1 = table * 2 ll
r1 = table - table ll
again: exit
again: exit
goto 1f
goto 2b
2: goto again + 4
r1 = 2b ll
1.5: exit
"quoted": exit
