# BPF object, big endian

section "tp_btf/sched_switch"
look:
	# core.c:20  struct task *task = (void *)args[0];
     0:  79 11 00 00 00 00 00 00   ldxdw %r1,[%r1+0]
	# core.c:21  int sum = task->inner.b[2];
     1:  61 11 00 14 00 00 00 00   ldxw %r1,[%r1+20]
     2:  b7 20 00 00 00 00 00 01   mov %r2,1
	# core.c:23  if (__builtin_preserve_field_info(task->bits, 2 /* exists */))
     3:  16 20 00 03 00 00 00 00   jeq32 %r2,0,.L1
     4:  b7 20 00 00 00 00 00 20   mov %r2,32
	# core.c:24  sum += __builtin_preserve_field_info(task->bits, 4 /* left shift */);
     5:  0c 21 00 00 00 00 00 00   add32 %r2,%r1
     6:  bc 12 00 00 00 00 00 00   mov32 %r1,%r2
.L1:
     7:  b7 00 00 00 00 00 00 20   mov %r0,32
	# core.c:25  sum += __builtin_preserve_type_info(*(struct task *)0, 1 /* size */);
     8:  0c 01 00 00 00 00 00 00   add32 %r0,%r1
     9:  18 10 00 00 00 00 00 07   lddw %r1,7
    10:  00 00 00 00 00 00 00 00
	# core.c:26  sum += __builtin_preserve_enum_value(*(enum state *)RUNNING, 1 /* value */);
    11:  0c 01 00 00 00 00 00 00   add32 %r0,%r1
	# core.c:27  return sum;
    12:  95 00 00 00 00 00 00 00   exit

section license
LICENSE:
	.asciz	"GPL"
