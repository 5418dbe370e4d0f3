# What an object leaves to its own loader is open.
abide check $FIX/left.bpf.o --explain looks@LINUX_6.1
