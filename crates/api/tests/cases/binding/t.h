#pragma once
typedef unsigned int u32;
typedef unsigned long long u64;
#define SEC(name) __attribute__((section(name), used))
#define __ksym __attribute__((section(".ksyms")))
#define STAMP(id, text) static const char stamp_##id[] __attribute__((section(".bpf.api"), used, retain)) = text
struct t_ctx { u32 a; };
