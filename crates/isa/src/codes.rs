//! The codes of this crate's errors.

abide_diag::codes! {
    /// The opcode byte is that of no instruction of RFC 9669 or of Linux. Either the bytes are not
    /// BPF code (data in a code section, a wrong offset, the wrong byte order), or the instruction
    /// is one that no kernel runs.
    UNKNOWN_OPCODE = "I0001", "unknown opcode";
    /// A field that the instruction does not use holds something other than zero. RFC 9669 reserves
    /// such fields, later instructions are told from earlier ones by them, and running the
    /// instruction as if the field were zero would run something else than was meant.
    RESERVED_FIELD = "I0002", "reserved field is not zero";
    /// The source register field selects among instructions with one opcode (kinds of call, kinds
    /// of 64-bit immediate), and this value selects none.
    UNKNOWN_SRC = "I0003", "unknown src_reg";
    /// The offset field selects among instructions with one opcode (`/=` and `s/=`, moves with
    /// sign extension), and this value selects none.
    UNKNOWN_OFF = "I0004", "unknown offset";
    /// The immediate selects among instructions with one opcode (atomics, byte swaps), and this
    /// value selects none.
    UNKNOWN_IMM = "I0005", "unknown immediate";
    /// A register number above 10. BPF has the registers r0 to r10.
    BAD_REGISTER = "I0006", "register out of range";
    /// The code ends where an instruction, or the second slot of a 64-bit immediate load, should
    /// be. The code was cut off, or a length is wrong.
    TRUNCATED = "I0007", "code ends inside an instruction";
    /// The second slot of a 64-bit immediate load holds something besides the immediate. Its
    /// opcode, registers and offset must be zero; anything else means that the slot is another
    /// instruction.
    SECOND_SLOT = "I0008", "second slot is not an immediate";
    /// The upper half of a 64-bit immediate is not zero, but what the immediate stands for (a map,
    /// a function) is named by the lower half alone.
    HIGH_HALF = "I0009", "upper half of the immediate is not zero";
    /// An instruction to be encoded has a value in a field that its form does not use, so that
    /// encoding it would lose the value.
    UNUSED_FIELD = "I0010", "value in an unused field";
    /// The immediate of an instruction to be encoded does not fit into its 32 bits.
    IMM_RANGE = "I0011", "immediate out of range";
}
