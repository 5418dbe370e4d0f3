/* clang-19 -O2 -g -target bpf -mcpu=v3 -ffile-compilation-dir=. -c kconfig.c -o kconfig.o
 * Values of the configuration of a host, of all types that they can have. */
#include "bpf.h"

enum libbpf_tristate { TRI_NO, TRI_YES, TRI_MODULE };

extern enum libbpf_tristate CONFIG_TRI EXTERN(".kconfig");
extern _Bool CONFIG_BOOL EXTERN(".kconfig");
extern char CONFIG_LETTER EXTERN(".kconfig");
extern short CONFIG_SHORT EXTERN(".kconfig");
extern u64 CONFIG_LARGE EXTERN(".kconfig");
extern char CONFIG_TEXT[5] EXTERN(".kconfig");
extern int LINUX_KERNEL_VERSION EXTERN(".kconfig");
extern signed char CONFIG_SMALL EXTERN(".kconfig");
extern _Bool LINUX_HAS_BPF_COOKIE EXTERN(".kconfig");
extern _Bool LINUX_LATER EXTERN(".kconfig") WEAK;

SEC("socket") int ask(void *ctx)
{
	return CONFIG_TRI + CONFIG_BOOL + CONFIG_LETTER + CONFIG_SHORT + CONFIG_LARGE + CONFIG_SMALL + CONFIG_TEXT[1] +
	       LINUX_KERNEL_VERSION + LINUX_HAS_BPF_COOKIE + LINUX_LATER;
}

char LICENSE[] SEC("license") = "GPL";
