//! The codes of everything that can be wrong with BTF. Says nothing about where.

abide_diag::codes! {
    /// The data does not begin with the magic number of BTF (0xeb9f, in either byte order). It may be
    /// a whole ELF file, whose `.BTF` section is meant, or something else altogether.
    B_MAGIC = "B0001", "not BTF";
    /// The data ends before its header says that it does, or the header describes parts that lie
    /// outside the data. The file was cut short, or was never right.
    B_TRUNCATED = "B0002", "BTF cut short";
    /// The header names a version or flags of the format other than version 1 without flags, the
    /// only one that exists.
    B_VERSION = "B0003", "unknown version of BTF";
    /// A type of a kind that is not one of the 19 that are known. The data is damaged, or comes from
    /// a newer compiler than this reader.
    B_KIND = "B0004", "unknown kind of type";
    /// A type refers to a type id that does not exist.
    B_TYPE_ID = "B0005", "type id out of range";
    /// A name lies outside the string table, or starts inside a character.
    B_STRING = "B0006", "string offset out of range";
    /// The string table does not begin and end with a NUL byte, as the format demands.
    B_STRINGS = "B0007", "malformed string table";
    /// A type contains itself without a pointer in between, or types are nested deeper than 256
    /// levels (the kernel stops at 32).
    B_NESTING = "B0008", "endless or too deep type";
    /// A size, a bit count or a position is impossible: an integer of 200 bits, an enum of 3 bytes, a
    /// member that reaches beyond its struct.
    B_SIZE = "B0009", "impossible size";
    /// A type refers to a kind of type that cannot stand there: a function whose prototype is not a
    /// prototype, a section that holds something other than variables and functions.
    B_REFERENCE = "B0010", "wrong kind of type";
    /// A table of `.BTF.ext` (function, line or CO-RE records) is malformed: record sizes or
    /// counts do not fit its length.
    B_EXT = "B0011", "malformed BTF.ext";
    /// A C header of these types would be many times longer than they are, because anonymous types
    /// contain one another over and over, or it would be nested too deep for a compiler. No compiler
    /// makes such types. Single types can still be printed (`--name`).
    B_HEADER = "B0012", "too much for a C header";
    /// Split BTF (of a kernel module) goes on counting where its base ends, and this is not that base:
    /// its byte order differs, or a name of the split BTF begins in the middle of a name of it. Nothing in the
    /// format says what the base is; take the `vmlinux` that the module was built for.
    B_BASE = "B0013", "the wrong base";
    /// Split BTF is to be put on another base, which lacks a type that it uses, or has several of that
    /// name, kind and size. The module does not fit this kernel.
    B_REBASE = "B0014", "a type that the new base lacks";
    /// A CO-RE record says nothing that can be looked up: its way into a type is not numbers with
    /// `:` between them, has more than 64 of them, or leads to a member, element or value that the type
    /// does not have. The object is damaged.
    B_CORE_ACCESS = "B0101", "malformed CO-RE record";
    /// A CO-RE relocation is about a struct, union or enum without a name. Types of a host are found by
    /// their names alone.
    B_CORE_ANONYMOUS = "B0102", "CO-RE relocation of a nameless type";
    /// The host has several types of that name which have the field, type or value, and the answer
    /// would depend on which one is meant. Kernels have such types, in files that do not know each other.
    B_CORE_AMBIGUOUS = "B0103", "ambiguous CO-RE relocation";
    /// A CO-RE relocation is for an instruction that holds no number: neither arithmetic with an
    /// immediate, nor a load or store, nor a 64-bit immediate load of a plain number.
    B_CORE_INSTRUCTION = "B0104", "CO-RE relocation of the wrong instruction";
    /// The instruction of a CO-RE relocation does not hold the number that follows from the object's
    /// own types. Code and type information are of different builds, or the code was changed since.
    B_CORE_UNEXPECTED = "B0105", "instruction and CO-RE record disagree";
    /// On this host the field lies farther than 32,767 bytes from the start of its struct, which is the
    /// farthest that a load or store can reach.
    B_CORE_TOO_LARGE = "B0106", "field out of reach";
    /// A bit field lies so that no aligned load of 1, 2, 4 or 8 bytes has all of it.
    B_CORE_BIT_FIELD = "B0107", "bit field that no load can read";
    /// The field has another size on the host, and the load or store cannot take that size: it is not 1,
    /// 2, 4 or 8 bytes, or the instruction accesses only a part of the field.
    B_CORE_WIDTH = "B0108", "access of a field whose size differs";
    /// A CO-RE relocation asks for something that its type cannot have: the size of a type that is
    /// only declared, the sign or the shifts of an element of an array.
    B_CORE_QUESTION = "B0109", "CO-RE question without an answer";
    /// Comparing a type of the object with one of the host went through more than 32 levels, or took
    /// millions of steps. Real types take some thousands.
    B_CORE_TOO_DEEP = "B0110", "types too deep to compare";
}
