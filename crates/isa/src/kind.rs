//! What instructions do, structured: the view that the verifier and the engines match on.
//!
//! Only the shape of each operation; its meaning is RFC 9669's, its encoding is in `table.rs`.

/// The width of an arithmetic operation or a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Width {
    /// On the low halves; a result clears the upper half.
    W32,
    /// On whole registers.
    W64,
}

impl Width {
    /// 32 or 64.
    pub const fn bits(self) -> u32 {
        match self {
            Width::W32 => 32,
            Width::W64 => 64,
        }
    }
}

/// The size of a memory access.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Size {
    /// One byte.
    B,
    /// Two bytes.
    H,
    /// Four bytes.
    W,
    /// Eight bytes.
    Dw,
}

impl Size {
    /// 1, 2, 4 or 8.
    pub const fn bytes(self) -> u32 {
        match self {
            Size::B => 1,
            Size::H => 2,
            Size::W => 4,
            Size::Dw => 8,
        }
    }

    /// 8, 16, 32 or 64.
    pub const fn bits(self) -> u32 {
        self.bytes() * 8
    }
}

/// Where the second operand comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operand {
    /// The source register.
    Reg,
    /// The immediate, sign-extended.
    Imm,
}

/// An arithmetic operation of two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AluOp {
    /// Addition, wrapping.
    Add,
    /// Subtraction, wrapping.
    Sub,
    /// Multiplication, wrapping.
    Mul,
    /// Unsigned division; by zero gives zero.
    Div,
    /// Signed division; by zero gives zero, and the least number by -1 itself.
    Sdiv,
    /// Bitwise or.
    Or,
    /// Bitwise and.
    And,
    /// Bitwise exclusive or.
    Xor,
    /// Left shift by the operand modulo the width.
    Lsh,
    /// Right shift, zeros shifted in.
    Rsh,
    /// Right shift, the sign shifted in.
    Arsh,
    /// Unsigned remainder; modulo zero leaves the destination.
    Mod,
    /// Signed remainder, with the dividend's sign; modulo zero leaves the destination.
    Smod,
}

/// A change of byte order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EndianOp {
    /// Between the machine's order and little endian.
    ToLe,
    /// Between the machine's order and big endian.
    ToBe,
    /// Always.
    Swap,
}

/// The condition of a jump: the destination register against the operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cond {
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
    /// Unsigned greater.
    Gt,
    /// Unsigned greater or equal.
    Ge,
    /// Unsigned less.
    Lt,
    /// Unsigned less or equal.
    Le,
    /// Some bit is set in both.
    Set,
    /// Signed greater.
    Sgt,
    /// Signed greater or equal.
    Sge,
    /// Signed less.
    Slt,
    /// Signed less or equal.
    Sle,
}

/// An atomic operation on memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AtomicOp {
    /// Addition.
    Add,
    /// Bitwise or.
    Or,
    /// Bitwise and.
    And,
    /// Bitwise exclusive or.
    Xor,
    /// Exchange with the source register.
    Xchg,
    /// Exchange with the source register if the memory equals `r0`; the old value goes to `r0`.
    Cmpxchg,
}

/// What a 64-bit immediate stands for: the source field of `ld_imm64` (RFC 9669 §5.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Imm64Kind {
    /// Itself.
    Value,
    /// The map with this file descriptor.
    MapFd,
    /// An address in the value of the map with the file descriptor in the low half, at the offset
    /// in the high half.
    MapValueFd,
    /// The address of a variable of the host: its BTF id in the low half; on Linux the file
    /// descriptor of its module's BTF in the high half.
    VarAddr,
    /// The address of a function of the program: relative, as of a call.
    CodeAddr,
    /// The map with this index.
    MapIdx,
    /// An address in the value of the map with the index in the low half, at the offset in the
    /// high half.
    MapValueIdx,
}

impl Imm64Kind {
    /// Whether the immediate of the second slot is an operand; if not, it is reserved.
    pub const fn uses_high(self) -> bool {
        match self {
            Imm64Kind::Value
            | Imm64Kind::MapValueFd
            | Imm64Kind::VarAddr
            | Imm64Kind::MapValueIdx => true,
            Imm64Kind::MapFd | Imm64Kind::CodeAddr | Imm64Kind::MapIdx => false,
        }
    }
}

/// What an instruction does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `dst = dst op src`.
    Alu {
        /// On halves or whole registers.
        width: Width,
        /// The operation.
        op: AluOp,
        /// The second operand.
        src: Operand,
    },
    /// `dst = src`.
    Mov {
        /// A half (the upper half is cleared) or the whole register.
        width: Width,
        /// What is moved.
        src: Operand,
    },
    /// `dst` = the low bits of `src`, sign-extended to `width`.
    MovSx {
        /// Extended to this width; 32 clears the upper half.
        width: Width,
        /// 8, 16 or 32.
        bits: u8,
    },
    /// `dst = -dst`.
    Neg {
        /// On halves or whole registers.
        width: Width,
    },
    /// Changes the byte order of the low bits of `dst`, and clears the others.
    Endian {
        /// Which change.
        op: EndianOp,
        /// 16, 32 or 64.
        bits: u8,
    },
    /// `dst = *(src + off)`.
    Load {
        /// How much is read.
        size: Size,
        /// Sign-extended, or else zero-extended, to 64 bits.
        signed: bool,
    },
    /// `*(dst + off) = src`.
    Store {
        /// How much is written.
        size: Size,
        /// What is written.
        src: Operand,
    },
    /// `*(dst + off) op= src`, atomically.
    Atomic {
        /// `W` or `Dw`.
        size: Size,
        /// The operation.
        op: AtomicOp,
        /// The old value goes to `src`; with `Cmpxchg` to `r0`.
        fetch: bool,
    },
    /// `dst = *(src + off)`, ordered before everything after it.
    LoadAcquire {
        /// How much is read; zero-extended.
        size: Size,
    },
    /// `*(dst + off) = src`, ordered after everything before it.
    StoreRelease {
        /// How much is written.
        size: Size,
    },
    /// `dst` = the 64-bit immediate, or what it stands for.
    LdImm64(Imm64Kind),
    /// `r0` = the packet's bytes at `imm`, from network order; the program ends if there are none.
    LdAbs {
        /// `B`, `H` or `W`.
        size: Size,
    },
    /// `r0` = the packet's bytes at `src + imm`, from network order.
    LdInd {
        /// `B`, `H` or `W`.
        size: Size,
    },
    /// To the relative target.
    Jump {
        /// The target is in `imm` (`gotol`), not in `off`.
        long: bool,
    },
    /// To the address in `dst` (Linux 6.19).
    JumpX,
    /// To the relative target in `off` if the condition holds.
    JumpIf {
        /// Compares halves or whole registers.
        width: Width,
        /// The condition.
        cond: Cond,
        /// What `dst` is compared with.
        src: Operand,
    },
    /// To the relative target in `off` when the host says so, to bound a loop (Linux 6.9).
    MayGoto,
    /// Of the host's function with the number `imm`.
    CallHelper,
    /// Of the program's function at the relative target `imm`.
    CallLocal,
    /// Of the host's function with the BTF id `imm`, in the module with the index `off`.
    CallKfunc,
    /// Of the address in `dst`.
    CallX,
    /// Returns `r0`.
    Exit,
    /// `dst = src`, moved between address spaces: to `imm >> 16` from `imm & 0xffff`.
    AddrSpaceCast,
}
