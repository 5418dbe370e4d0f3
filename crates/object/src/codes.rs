//! The codes of everything that can be wrong with an object. Says nothing about where.

abide_diag::codes! {
    /// The file is not an ELF file, or its headers, section names or symbols are damaged: offsets
    /// point outside the file, tables have the wrong size.
    O_ELF = "O0001", "not a readable ELF file";
    /// The file is an ELF file, but not a relocatable 64-bit one for BPF. Compile with
    /// `clang -target bpf -c` or `bpf-gcc -c`. An executable or a shared library with a BPF object
    /// inside it is not itself one.
    O_NOT_BPF = "O0002", "not a BPF object";
    /// The object would take more than 64 MiB of memory. Its headers are damaged, or it has a huge
    /// variable without initial value, whose size costs the file nothing.
    O_TOO_LARGE = "O0003", "object too large";
    /// A name is longer than 1024 bytes, or is not UTF-8.
    O_NAME = "O0004", "unusable name";
    /// Code does not consist of whole instructions in functions: a section whose size is no multiple
    /// of 8, a function that begins or ends inside an instruction or outside its section, functions
    /// that overlap, code that no symbol names.
    O_CODE = "O0005", "malformed code section";
    /// A string of the section `.bpf.api` is not `api@NODE` with a NUL byte after it. The generated
    /// headers write it: `ABIDE_API(linux, LINUX_6.5)`.
    O_STAMP = "O0006", "malformed stamp";
    /// A relocation is of a kind that BPF does not have, or is for an instruction that cannot be
    /// relocated: only calls and 64-bit immediate loads can.
    O_RELOCATION = "O0007", "impossible relocation";
    /// An instruction refers to something that is neither a map, data, a function nor an extern: a
    /// place in the middle of a function or a map, or a section that is not known. A variable in a
    /// section of its own must be in `.data.NAME`, `.rodata.NAME` or `.bss.NAME`.
    O_TARGET = "O0008", "reference to nothing";
    /// A definition in `.maps` is not understood: a field that is not known, a field of the wrong
    /// kind, sizes that contradict types, a map without a type.
    O_MAP = "O0009", "malformed map definition";
    /// The object has a section `.maps` but no type information, which is what defines the maps in it.
    /// Compile with `-g`, and do not strip the section `.BTF`.
    O_MAP_BTF = "O0010", "maps without type information";
    /// A definition in the section `maps` is malformed: shorter than the five numbers of a
    /// `struct bpf_map_def`, or with numbers after them (and after iproute2's id and pinning) that are
    /// not zero, whose meaning depends on who wrote them. Define the map in `.maps` instead.
    O_LEGACY_MAP = "O0011", "malformed map definition of the old kind";
    /// A variable that is defined elsewhere is declared in a section other than `.ksyms` and
    /// `.kconfig`; nobody could say where its value comes from.
    O_EXTERN = "O0012", "extern in an unknown section";
    /// Code cannot be replaced as it was asked for: what is to go is outside its section, is only a
    /// part of an instruction, or something else of the object still refers to the middle of it; or
    /// what is to come makes a jump across it longer than its instruction can say.
    O_PATCH = "O0050", "impossible change of code";
    /// Two of the objects that are linked define the same function, variable or map, and neither
    /// definition is weak. A `static` one is seen in its own file only; of a `__weak` one and one that
    /// is not, the latter is taken.
    O_TWICE = "O0060", "defined twice";
    /// Objects that are linked disagree about the type of a function or a variable: the number or
    /// types of parameters, the size or signedness of a number, the members of a struct. One of them
    /// would read or pass what the other does not mean.
    O_TYPES_DIFFER = "O0061", "declared with different types";
    /// Objects that are linked disagree about a map: its type, sizes, flags, number of entries, or the
    /// types of its keys and values. The definition and all `extern` declarations must be the same.
    O_MAPS_DIFFER = "O0062", "map defined differently";
    /// Only objects of the same byte order can be linked. Compile all with the same of
    /// `-target bpfel` and `-target bpfeb`.
    O_BYTE_ORDERS = "O0063", "different byte orders";
    /// A linked object has one license, and at most one version of a kernel; the objects name
    /// different ones.
    O_CONSTANTS_DIFFER = "O0064", "different licenses or versions";
    /// The objects were built against different versions of the same API. Their calls of it could not
    /// all mean what they meant when they were compiled.
    O_STAMPS_DIFFER = "O0065", "built against different versions";
    /// Sections of the same name are put one after the other, but these are of different kinds: code
    /// and data, or data that may be written and data that may not.
    O_SECTIONS_DIFFER = "O0066", "sections of different kinds";
    /// One object expects a name from the kernel's symbols (`__ksym`), another from its configuration
    /// (`__kconfig`) or from another object.
    O_EXPECTED = "O0067", "expected in different places";
    /// Something in an object cannot be moved to another place of a larger one: variables without a
    /// section, an offset that no longer fits its instruction, a table of indirect jumps (`.jumptables`)
    /// that leads out of its code or lies on another one.
    O_UNLINKABLE = "O0068", "cannot be linked";
    /// A variable in `.struct_ops` is not a table of functions as the kernel knows them: it is no
    /// struct with a name, or a program is put where there is no pointer to a function, or what is put
    /// there is not a program of a section `struct_ops/…`.
    O_STRUCT_OPS = "O0013", "malformed struct_ops";
    /// A value of the host's configuration cannot be given to the program: the variable is of a type
    /// that no value has (they are `bool`, `enum libbpf_tristate`, integers and arrays of `char`), the
    /// value does not fit the type, or there is none. Declare the variable `__weak` if the program can
    /// do without.
    O_KCONFIG = "O0014", "unusable configuration value";
    /// The section `version` holds one number of four bytes, the version of the kernel that a kprobe
    /// was once bound to; this one has another size.
    O_VERSION = "O0015", "malformed version";
    /// On this host there is no such type, field or value as an instruction of the object needs, or the
    /// field has another size, so the instruction was replaced by a call of a helper that does not exist
    /// (195896080). That does no harm if the program asks first whether it exists
    /// (`bpf_core_field_exists` and the like): then the instruction is never reached. Otherwise a
    /// verifier refuses the program.
    O_CORE_POISONED = "O0101", "host lacks what an instruction needs";
    /// The file that should tell the types of a host is an ELF file without a section `.BTF`: a kernel
    /// that was built without `CONFIG_DEBUG_INFO_BTF`, or a stripped one.
    O_NO_TYPES = "O0102", "no types of a host";
    /// The types are those of a host of the other byte order than the object's code: it can never run
    /// there. Compile with `-target bpfel` for little-endian hosts, with `-target bpfeb` for others.
    O_HOST_ORDER = "O0103", "host of the other byte order";
}
