# Guards are folded, and what has no guard is refused; `?` where only the types of a kernel know.
abide check crates/api/tests/cases/check/guards.o --against LINUX_5.4,LINUX_6.5
