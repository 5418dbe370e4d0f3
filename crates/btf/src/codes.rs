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
}
