//! The codes of this crate's messages.

abide_diag::codes! {
    /// The text is not an instruction: something else stands where the part named in the message
    /// should be.
    EXPECTED = "S0001", "something else expected";
    /// No instruction of the dialect begins with this word. If the line is written in the other
    /// dialect, the message says so with another code.
    UNKNOWN_INSTRUCTION = "S0002", "unknown instruction";
    /// BPF has the registers r0 to r10 (r10 is also called fp) and, in pseudo-C, w0 to w10 for
    /// their lower halves, in lower case; GNU's dialect writes `%` before them. Names that look
    /// like registers but are none are refused, because some assemblers take them for symbols and
    /// silently assemble something else.
    NO_REGISTER = "S0003", "no such register";
    /// In pseudo-C `r` names mean 64-bit and `w` names 32-bit operations, and one instruction does
    /// not mix them.
    REGISTER_WIDTH = "S0004", "register of the wrong width";
    /// Some instructions have one encoded register where the text names two (`r1 = -r1`,
    /// `r1 = be16 r1`, the operand of an atomic fetch), or always use r0. Other registers cannot be
    /// written there.
    REGISTER_FIXED = "S0005", "another register is needed here";
    /// The number does not fit into the field that the instruction has for it.
    NUMBER_RANGE = "S0006", "number out of range";
    /// The instruction takes a number here, and no relocation could fill in a symbol's address
    /// later. The address of a symbol is loaded by `r1 = symbol ll` (pseudo-C) or
    /// `lddw %r1,symbol` (GNU).
    SYMBOL = "S0007", "symbol where a number is needed";
    /// The label is too far away for the offset of this jump.
    JUMP_RANGE = "S0008", "jump out of range";
    /// A character that begins nothing, a comment or character constant that does not end, a
    /// number with wrong digits.
    BAD_TOKEN = "S0009", "not a word, number or sign";
    /// A label is defined twice. Only numeric labels (`1:`, referred to as `1b` and `1f`) may be.
    DUPLICATE_LABEL = "S0010", "label defined twice";
    /// `1b` refers to the last `1:` before, `1f` to the next one; there is none.
    NO_LABEL = "S0011", "no such numeric label";
    /// An expression divides by zero, is too large for 64 bits, is nested too deeply, or calculates
    /// with a symbol in a way that no relocation can express.
    EXPRESSION = "S0012", "expression cannot be evaluated";
    /// A directive that is not known where only instructions, labels and 8-byte data may be.
    DIRECTIVE = "S0013", "unknown directive";
    /// The instruction needs a higher level of the instruction set than the one asked for.
    LEVEL = "S0014", "instruction above the level";
    /// The line is an instruction in the other dialect. Without a fixed dialect it is accepted.
    DIALECT = "S0015", "written in the other dialect";
    /// The instruction exists in one assembler only: neither RFC 9669 nor any kernel has it.
    NOT_AN_INSTRUCTION = "S0016", "instruction that nothing runs";
    /// The immediate of a 64-bit operation has 32 bits and is sign-extended, so that a number from
    /// 0x80000000 to 0xffffffff becomes a negative one. Other assemblers accept it without a word.
    SIGN_EXTENDED = "S0017", "number will be sign-extended";
    /// After this many errors in one text nothing is gained by more.
    TOO_MANY = "S0018", "too many errors";
    /// The name of a register as a label or symbol.
    RESERVED_NAME = "S0019", "register name as a label";
    /// Texts of more than 256 MiB are not assembled.
    TOO_LARGE = "S0020", "text too large";
    /// Listings are made of 64-bit ELF files for BPF, in either byte order. Code without ELF around
    /// it can be listed as a raw stream.
    NOT_BPF = "S0101", "not a BPF object";
    /// The tables of the ELF file contradict each other or reach beyond its end.
    DAMAGED = "S0102", "damaged ELF file";
    /// The sections of the file together have more bytes than the file: some lie on others. No
    /// compiler writes that, and listing all of them could take any amount of memory.
    OVERLAP = "S0103", "sections lie on each other";
    /// Code and data cannot stand in a section of type `nobits` (`.bss`): it has a size, no bytes.
    NO_BYTES = "S0030", "bytes in a section without any";
    /// A block (`.if`, `.macro`, `.rept`, `.cfi_startproc`) and its end do not belong together.
    UNCLOSED = "S0031", "block without a beginning or an end";
    /// The definition or use of a macro, or the list of a repetition, is wrong.
    MACRO = "S0032", "macro that cannot be expanded";
    /// The file named by `.include` cannot be read.
    INCLUDE = "S0033", "file that cannot be included";
    /// `.section` and its relations: the name, flags, type or order is wrong.
    SECTION = "S0034", "section that cannot be made";
    /// The text itself says by `.err` or `.error` that it is wrong, or by `.warning` that something in it
    /// is unusual.
    SAID = "S0035", "message that the text asks for";
    /// A jump can only go to a label of its own section: loaders complete calls, not jumps.
    JUMP_AWAY = "S0036", "jump out of the section";
    /// The instruction exists in one dialect only: no assembler has a spelling for it in the other
    /// one. GNU's lacks `load_acquire`, `store_release`, `addr_space_cast`, `ld_pseudo`, `gotox`.
    NO_SPELLING = "S0201", "instruction that the other dialect lacks";
    /// A statement that is no instruction by itself was not changed: part of a macro whose parameters
    /// make up more than operands, or of what a condition leaves out. What is assembled of it was
    /// compared, and is the same.
    LEFT = "S0202", "statement not translated";
    /// The other assembler has nothing like the directive, which became a comment. No program changes
    /// by it: it is for linkers, debuggers and unwinders.
    LEFT_OUT = "S0203", "directive became a comment";
    /// The statement is right in the dialect, but one of the assemblers of that dialect refuses it.
    ONE_ASSEMBLER = "S0204", "spelling that one assembler refuses";
    /// Both texts are assembled after translating, and the objects are not the same. Nothing is
    /// written then. A macro whose parameter is a 32-bit register, a 64-bit one or a number by turns
    /// is one instruction in pseudo-C and several in GNU's dialect.
    TRANSLATION = "S0205", "translation that is not the same program";
}
