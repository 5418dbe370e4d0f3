# BPF object, little endian

section "raw_tp/sys_enter"
ask:
	# externs.c:13  u64 sum = (u64)&runqueues + LINUX_KERNEL_VERSION;
     0:  18 02 00 00 00 00 00 00   r2 = LINUX_KERNEL_VERSION ll
     1:  00 00 00 00 00 00 00 00
     2:  61 22 00 00 00 00 00 00   r2 = *(u32 *)(r2 + 0)
     3:  18 03 00 00 00 00 00 00   r3 = runqueues ll
     4:  00 00 00 00 00 00 00 00
     5:  0f 32 00 00 00 00 00 00   r2 += r3
	# externs.c:15  if (&maybe_there)
     6:  18 03 00 00 00 00 00 00   r3 = maybe_there ll
     7:  00 00 00 00 00 00 00 00
     8:  15 03 02 00 00 00 00 00   if r3 == 0 goto .L1
	# externs.c:16  sum += maybe_there;
     9:  61 33 00 00 00 00 00 00   r3 = *(u32 *)(r3 + 0)
    10:  0f 32 00 00 00 00 00 00   r2 += r3
.L1:
	# externs.c:17  if (CONFIG_MAYBE)
    11:  18 03 00 00 00 00 00 00   r3 = CONFIG_MAYBE ll
    12:  00 00 00 00 00 00 00 00
    13:  71 33 00 00 00 00 00 00   r3 = *(u8 *)(r3 + 0)
    14:  bf 26 00 00 00 00 00 00   r6 = r2
    15:  07 06 00 00 02 00 00 00   r6 += 2
    16:  56 03 01 00 00 00 00 00   if w3 != 0 goto .L2
    17:  bf 26 00 00 00 00 00 00   r6 = r2
.L2:
	# externs.c:19  if (host_call)
    18:  18 02 00 00 00 00 00 00   r2 = host_call ll
    19:  00 00 00 00 00 00 00 00
    20:  15 02 04 00 00 00 00 00   if r2 == 0 goto .L3
	# externs.c:20  sum += host_call(ctx, 1);
    21:  b7 02 00 00 01 00 00 00   r2 = 1
    22:  85 10 00 00 ff ff ff ff   call host_call
    23:  0f 60 00 00 00 00 00 00   r0 += r6
    24:  bf 06 00 00 00 00 00 00   r6 = r0
.L3:
	# externs.c:21  return sum;
    25:  bc 60 00 00 00 00 00 00   w0 = w6
    26:  95 00 00 00 00 00 00 00   exit

section license
LICENSE:
	.asciz	"GPL"
