//! The instruction table: one row for each instruction of RFC 9669 and of Linux's additions.
//!
//! Everything else about instructions derives from these rows: decoding, encoding, CPU levels,
//! conformance groups, both assembler dialects. No other place in Abide states an opcode or a
//! mnemonic. The table knows nothing of text, ELF or hosts beyond the facts in its columns.
//!
//! A row reads
//!
//! ```text
//! Name  opcode: dst, src, off, imm, kind, level group "pseudo-C" | "alias"; "GNU" | "alias"; "Linux",
//! ```
//!
//! * Fields: `U` is used as an operand, `Z` is reserved and must be zero, `F(n)` selects the form.
//! * Level: the lowest `-mcpu`/`-misa-spec` level whose compilers may emit it.
//! * Group: the conformance group of RFC 9669 §2.4; `Extension` for what the RFC does not have.
//! * Spellings: the first is printed, all are read; `""` where a dialect has none.
//!   `{d} {s}` are registers (`{wd} {ws}` their 32-bit names in pseudo-C), `{i}` the immediate,
//!   `{+i}` one that may be absent when zero, `{o}` the signed offset of an address, `{t}` the
//!   target of a jump, `{r}` one that is always signed and never a label, `{hi} {lo}` the halves
//!   of the immediate, `{m}` the module of a kfunc. A number stands for itself, as does a register.
//! * Linux: the release that first ran it; `""` when none does.
//!
//! Left out on purpose: `ldxsdw` and `w1 = (s32)w2`, which only GNU's assembler knows and no
//! kernel runs; `brkpt`, which exists in GNU's simulator only; `callx` with its register in the
//! immediate, as clang before 19 wrote it.

use crate::kind::{
    AluOp, AtomicOp, Cond, EndianOp, Imm64Kind, Kind::*, Operand::*, Size::*, Width::*,
};
use crate::spec::Field::{Fixed as F, Used as U, Zero as Z};
use crate::spec::{Group, Level, Spec};

macro_rules! instructions {
    ($($name:ident $code:literal: $dst:expr, $src:expr, $off:expr, $imm:expr, $kind:expr,
       $level:ident $group:ident $c:literal $(| $c_also:literal)*;
       $gnu:literal $(| $gnu_also:literal)*; $linux:literal,)+) => {
        /// An instruction: one row of the table.
        ///
        /// The names follow RFC 9669: the operation, its width, and `X` for a register or `K` for
        /// an immediate as the source.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Op {
            $(
                #[doc = concat!("`", $c, "`")]
                $name,
            )+
        }

        impl Op {
            /// Every instruction, in the order of the table.
            pub const ALL: &[Op] = &[$(Op::$name),+];

            /// How the variant is called.
            pub const fn name(self) -> &'static str {
                NAMES[self as usize]
            }
        }

        const NAMES: &[&str] = &[$(stringify!($name)),+];

        pub(crate) const SPECS: &[Spec] = &[
            $(Spec {
                opcode: $code,
                dst: $dst,
                src: $src,
                off: $off,
                imm: $imm,
                kind: $kind,
                level: Level::$level,
                group: Group::$group,
                c: $c,
                c_also: &[$($c_also),*],
                gnu: $gnu,
                gnu_also: &[$($gnu_also),*],
                linux: $linux,
            }),+
        ];
    };
}

instructions! {
    // 64-bit arithmetic (RFC 9669 §4.1)
    Add64X         0x0f: U, U, Z, Z,       Alu { width: W64, op: AluOp::Add, src: Reg },                 V1 Base64    "{d} += {s}"; "add {d},{s}"; "3.18",
    Add64K         0x07: U, Z, Z, U,       Alu { width: W64, op: AluOp::Add, src: Imm },                 V1 Base64    "{d} += {i}"; "add {d},{i}"; "3.18",
    Sub64X         0x1f: U, U, Z, Z,       Alu { width: W64, op: AluOp::Sub, src: Reg },                 V1 Base64    "{d} -= {s}"; "sub {d},{s}"; "3.18",
    Sub64K         0x17: U, Z, Z, U,       Alu { width: W64, op: AluOp::Sub, src: Imm },                 V1 Base64    "{d} -= {i}"; "sub {d},{i}"; "3.18",
    Mul64X         0x2f: U, U, Z, Z,       Alu { width: W64, op: AluOp::Mul, src: Reg },                 V1 Divmul64  "{d} *= {s}"; "mul {d},{s}"; "3.18",
    Mul64K         0x27: U, Z, Z, U,       Alu { width: W64, op: AluOp::Mul, src: Imm },                 V1 Divmul64  "{d} *= {i}"; "mul {d},{i}"; "3.18",
    Div64X         0x3f: U, U, F(0), Z,    Alu { width: W64, op: AluOp::Div, src: Reg },                 V1 Divmul64  "{d} /= {s}"; "div {d},{s}"; "3.18",
    Div64K         0x37: U, Z, F(0), U,    Alu { width: W64, op: AluOp::Div, src: Imm },                 V1 Divmul64  "{d} /= {i}"; "div {d},{i}"; "3.18",
    Or64X          0x4f: U, U, Z, Z,       Alu { width: W64, op: AluOp::Or, src: Reg },                  V1 Base64    "{d} |= {s}"; "or {d},{s}"; "3.18",
    Or64K          0x47: U, Z, Z, U,       Alu { width: W64, op: AluOp::Or, src: Imm },                  V1 Base64    "{d} |= {i}"; "or {d},{i}"; "3.18",
    And64X         0x5f: U, U, Z, Z,       Alu { width: W64, op: AluOp::And, src: Reg },                 V1 Base64    "{d} &= {s}"; "and {d},{s}"; "3.18",
    And64K         0x57: U, Z, Z, U,       Alu { width: W64, op: AluOp::And, src: Imm },                 V1 Base64    "{d} &= {i}"; "and {d},{i}"; "3.18",
    Lsh64X         0x6f: U, U, Z, Z,       Alu { width: W64, op: AluOp::Lsh, src: Reg },                 V1 Base64    "{d} <<= {s}"; "lsh {d},{s}"; "3.18",
    Lsh64K         0x67: U, Z, Z, U,       Alu { width: W64, op: AluOp::Lsh, src: Imm },                 V1 Base64    "{d} <<= {i}"; "lsh {d},{i}"; "3.18",
    Rsh64X         0x7f: U, U, Z, Z,       Alu { width: W64, op: AluOp::Rsh, src: Reg },                 V1 Base64    "{d} >>= {s}"; "rsh {d},{s}"; "3.18",
    Rsh64K         0x77: U, Z, Z, U,       Alu { width: W64, op: AluOp::Rsh, src: Imm },                 V1 Base64    "{d} >>= {i}"; "rsh {d},{i}"; "3.18",
    Mod64X         0x9f: U, U, F(0), Z,    Alu { width: W64, op: AluOp::Mod, src: Reg },                 V1 Divmul64  "{d} %= {s}"; "mod {d},{s}"; "3.18",
    Mod64K         0x97: U, Z, F(0), U,    Alu { width: W64, op: AluOp::Mod, src: Imm },                 V1 Divmul64  "{d} %= {i}"; "mod {d},{i}"; "3.18",
    Xor64X         0xaf: U, U, Z, Z,       Alu { width: W64, op: AluOp::Xor, src: Reg },                 V1 Base64    "{d} ^= {s}"; "xor {d},{s}"; "3.18",
    Xor64K         0xa7: U, Z, Z, U,       Alu { width: W64, op: AluOp::Xor, src: Imm },                 V1 Base64    "{d} ^= {i}"; "xor {d},{i}"; "3.18",
    Arsh64X        0xcf: U, U, Z, Z,       Alu { width: W64, op: AluOp::Arsh, src: Reg },                V1 Base64    "{d} s>>= {s}"; "arsh {d},{s}"; "3.18",
    Arsh64K        0xc7: U, Z, Z, U,       Alu { width: W64, op: AluOp::Arsh, src: Imm },                V1 Base64    "{d} s>>= {i}"; "arsh {d},{i}"; "3.18",
    Sdiv64X        0x3f: U, U, F(1), Z,    Alu { width: W64, op: AluOp::Sdiv, src: Reg },                V4 Divmul64  "{d} s/= {s}"; "sdiv {d},{s}"; "6.6",
    Sdiv64K        0x37: U, Z, F(1), U,    Alu { width: W64, op: AluOp::Sdiv, src: Imm },                V4 Divmul64  "{d} s/= {i}"; "sdiv {d},{i}"; "6.6",
    Smod64X        0x9f: U, U, F(1), Z,    Alu { width: W64, op: AluOp::Smod, src: Reg },                V4 Divmul64  "{d} s%= {s}"; "smod {d},{s}"; "6.6",
    Smod64K        0x97: U, Z, F(1), U,    Alu { width: W64, op: AluOp::Smod, src: Imm },                V4 Divmul64  "{d} s%= {i}"; "smod {d},{i}"; "6.6",
    Neg64          0x87: U, Z, Z, Z,       Neg { width: W64 },                                           V1 Base64    "{d} = -{d}"; "neg {d}"; "3.18",
    Mov64X         0xbf: U, U, F(0), Z,    Mov { width: W64, src: Reg },                                 V1 Base64    "{d} = {s}"; "mov {d},{s}"; "3.18",
    Mov64K         0xb7: U, Z, Z, U,       Mov { width: W64, src: Imm },                                 V1 Base64    "{d} = {i}"; "mov {d},{i}"; "3.18",
    Movsx8To64     0xbf: U, U, F(8), Z,    MovSx { width: W64, bits: 8 },                                V4 Base64    "{d} = (s8){s}"; "movs {d},{s},8"; "6.6",
    Movsx16To64    0xbf: U, U, F(16), Z,   MovSx { width: W64, bits: 16 },                               V4 Base64    "{d} = (s16){s}"; "movs {d},{s},16"; "6.6",
    Movsx32To64    0xbf: U, U, F(32), Z,   MovSx { width: W64, bits: 32 },                               V4 Base64    "{d} = (s32){s}"; "movs {d},{s},32"; "6.6",
    AddrSpaceCast  0xbf: U, U, F(1), U,    AddrSpaceCast,                                                V3 Extension "{d} = addr_space_cast({s}, {hi}, {lo})"; ""; "6.9",

    // 32-bit arithmetic (RFC 9669 §4.1)
    Add32X         0x0c: U, U, Z, Z,       Alu { width: W32, op: AluOp::Add, src: Reg },                 V1 Base32    "{wd} += {ws}"; "add32 {d},{s}"; "3.18",
    Add32K         0x04: U, Z, Z, U,       Alu { width: W32, op: AluOp::Add, src: Imm },                 V1 Base32    "{wd} += {i}"; "add32 {d},{i}"; "3.18",
    Sub32X         0x1c: U, U, Z, Z,       Alu { width: W32, op: AluOp::Sub, src: Reg },                 V1 Base32    "{wd} -= {ws}"; "sub32 {d},{s}"; "3.18",
    Sub32K         0x14: U, Z, Z, U,       Alu { width: W32, op: AluOp::Sub, src: Imm },                 V1 Base32    "{wd} -= {i}"; "sub32 {d},{i}"; "3.18",
    Mul32X         0x2c: U, U, Z, Z,       Alu { width: W32, op: AluOp::Mul, src: Reg },                 V1 Divmul32  "{wd} *= {ws}"; "mul32 {d},{s}"; "3.18",
    Mul32K         0x24: U, Z, Z, U,       Alu { width: W32, op: AluOp::Mul, src: Imm },                 V1 Divmul32  "{wd} *= {i}"; "mul32 {d},{i}"; "3.18",
    Div32X         0x3c: U, U, F(0), Z,    Alu { width: W32, op: AluOp::Div, src: Reg },                 V1 Divmul32  "{wd} /= {ws}"; "div32 {d},{s}"; "3.18",
    Div32K         0x34: U, Z, F(0), U,    Alu { width: W32, op: AluOp::Div, src: Imm },                 V1 Divmul32  "{wd} /= {i}"; "div32 {d},{i}"; "3.18",
    Or32X          0x4c: U, U, Z, Z,       Alu { width: W32, op: AluOp::Or, src: Reg },                  V1 Base32    "{wd} |= {ws}"; "or32 {d},{s}"; "3.18",
    Or32K          0x44: U, Z, Z, U,       Alu { width: W32, op: AluOp::Or, src: Imm },                  V1 Base32    "{wd} |= {i}"; "or32 {d},{i}"; "3.18",
    And32X         0x5c: U, U, Z, Z,       Alu { width: W32, op: AluOp::And, src: Reg },                 V1 Base32    "{wd} &= {ws}"; "and32 {d},{s}"; "3.18",
    And32K         0x54: U, Z, Z, U,       Alu { width: W32, op: AluOp::And, src: Imm },                 V1 Base32    "{wd} &= {i}"; "and32 {d},{i}"; "3.18",
    Lsh32X         0x6c: U, U, Z, Z,       Alu { width: W32, op: AluOp::Lsh, src: Reg },                 V1 Base32    "{wd} <<= {ws}"; "lsh32 {d},{s}"; "3.18",
    Lsh32K         0x64: U, Z, Z, U,       Alu { width: W32, op: AluOp::Lsh, src: Imm },                 V1 Base32    "{wd} <<= {i}"; "lsh32 {d},{i}"; "3.18",
    Rsh32X         0x7c: U, U, Z, Z,       Alu { width: W32, op: AluOp::Rsh, src: Reg },                 V1 Base32    "{wd} >>= {ws}"; "rsh32 {d},{s}"; "3.18",
    Rsh32K         0x74: U, Z, Z, U,       Alu { width: W32, op: AluOp::Rsh, src: Imm },                 V1 Base32    "{wd} >>= {i}"; "rsh32 {d},{i}"; "3.18",
    Mod32X         0x9c: U, U, F(0), Z,    Alu { width: W32, op: AluOp::Mod, src: Reg },                 V1 Divmul32  "{wd} %= {ws}"; "mod32 {d},{s}"; "3.18",
    Mod32K         0x94: U, Z, F(0), U,    Alu { width: W32, op: AluOp::Mod, src: Imm },                 V1 Divmul32  "{wd} %= {i}"; "mod32 {d},{i}"; "3.18",
    Xor32X         0xac: U, U, Z, Z,       Alu { width: W32, op: AluOp::Xor, src: Reg },                 V1 Base32    "{wd} ^= {ws}"; "xor32 {d},{s}"; "3.18",
    Xor32K         0xa4: U, Z, Z, U,       Alu { width: W32, op: AluOp::Xor, src: Imm },                 V1 Base32    "{wd} ^= {i}"; "xor32 {d},{i}"; "3.18",
    Arsh32X        0xcc: U, U, Z, Z,       Alu { width: W32, op: AluOp::Arsh, src: Reg },                V1 Base32    "{wd} s>>= {ws}"; "arsh32 {d},{s}"; "3.18",
    Arsh32K        0xc4: U, Z, Z, U,       Alu { width: W32, op: AluOp::Arsh, src: Imm },                V1 Base32    "{wd} s>>= {i}"; "arsh32 {d},{i}"; "3.18",
    Sdiv32X        0x3c: U, U, F(1), Z,    Alu { width: W32, op: AluOp::Sdiv, src: Reg },                V4 Divmul32  "{wd} s/= {ws}"; "sdiv32 {d},{s}"; "6.6",
    Sdiv32K        0x34: U, Z, F(1), U,    Alu { width: W32, op: AluOp::Sdiv, src: Imm },                V4 Divmul32  "{wd} s/= {i}"; "sdiv32 {d},{i}"; "6.6",
    Smod32X        0x9c: U, U, F(1), Z,    Alu { width: W32, op: AluOp::Smod, src: Reg },                V4 Divmul32  "{wd} s%= {ws}"; "smod32 {d},{s}"; "6.6",
    Smod32K        0x94: U, Z, F(1), U,    Alu { width: W32, op: AluOp::Smod, src: Imm },                V4 Divmul32  "{wd} s%= {i}"; "smod32 {d},{i}"; "6.6",
    Neg32          0x84: U, Z, Z, Z,       Neg { width: W32 },                                           V1 Base32    "{wd} = -{wd}"; "neg32 {d}"; "3.18",
    Mov32X         0xbc: U, U, F(0), Z,    Mov { width: W32, src: Reg },                                 V1 Base32    "{wd} = {ws}" | "{d} = {ws}"; "mov32 {d},{s}"; "3.18",
    Mov32K         0xb4: U, Z, Z, U,       Mov { width: W32, src: Imm },                                 V1 Base32    "{wd} = {i}"; "mov32 {d},{i}"; "3.18",
    Movsx8To32     0xbc: U, U, F(8), Z,    MovSx { width: W32, bits: 8 },                                V4 Base32    "{wd} = (s8){ws}"; "movs32 {d},{s},8"; "6.6",
    Movsx16To32    0xbc: U, U, F(16), Z,   MovSx { width: W32, bits: 16 },                               V4 Base32    "{wd} = (s16){ws}"; "movs32 {d},{s},16"; "6.6",

    // Byte order (RFC 9669 §4.2)
    Le16           0xd4: U, Z, Z, F(16),   Endian { op: EndianOp::ToLe, bits: 16 },                      V1 Base32    "{d} = le16 {d}"; "endle {d},16"; "3.18",
    Le32           0xd4: U, Z, Z, F(32),   Endian { op: EndianOp::ToLe, bits: 32 },                      V1 Base32    "{d} = le32 {d}"; "endle {d},32"; "3.18",
    Le64           0xd4: U, Z, Z, F(64),   Endian { op: EndianOp::ToLe, bits: 64 },                      V1 Base64    "{d} = le64 {d}"; "endle {d},64"; "3.18",
    Be16           0xdc: U, Z, Z, F(16),   Endian { op: EndianOp::ToBe, bits: 16 },                      V1 Base32    "{d} = be16 {d}"; "endbe {d},16"; "3.18",
    Be32           0xdc: U, Z, Z, F(32),   Endian { op: EndianOp::ToBe, bits: 32 },                      V1 Base32    "{d} = be32 {d}"; "endbe {d},32"; "3.18",
    Be64           0xdc: U, Z, Z, F(64),   Endian { op: EndianOp::ToBe, bits: 64 },                      V1 Base64    "{d} = be64 {d}"; "endbe {d},64"; "3.18",
    Bswap16        0xd7: U, Z, Z, F(16),   Endian { op: EndianOp::Swap, bits: 16 },                      V4 Base32    "{d} = bswap16 {d}"; "bswap {d},16"; "6.6",
    Bswap32        0xd7: U, Z, Z, F(32),   Endian { op: EndianOp::Swap, bits: 32 },                      V4 Base32    "{d} = bswap32 {d}"; "bswap {d},32"; "6.6",
    Bswap64        0xd7: U, Z, Z, F(64),   Endian { op: EndianOp::Swap, bits: 64 },                      V4 Base64    "{d} = bswap64 {d}"; "bswap {d},64"; "6.6",

    // 64-bit immediates, two slots (RFC 9669 §5.4)
    LdImm64        0x18: U, F(0), Z, U,    LdImm64(Imm64Kind::Value),                                    V1 Base64    "{d} = {i} ll" | "ld_pseudo {d}, 0, {i}"; "lddw {d},{i}"; "3.18",
    LdMapFd        0x18: U, F(1), Z, U,    LdImm64(Imm64Kind::MapFd),                                    V1 Base64    "ld_pseudo {d}, 1, {i}"; ""; "3.18",
    LdMapValueFd   0x18: U, F(2), Z, U,    LdImm64(Imm64Kind::MapValueFd),                               V1 Base64    "ld_pseudo {d}, 2, {i}"; ""; "5.2",
    LdVarAddr      0x18: U, F(3), Z, U,    LdImm64(Imm64Kind::VarAddr),                                  V1 Base64    "ld_pseudo {d}, 3, {i}"; ""; "5.10",
    LdCodeAddr     0x18: U, F(4), Z, U,    LdImm64(Imm64Kind::CodeAddr),                                 V1 Base64    "ld_pseudo {d}, 4, {i}"; ""; "5.13",
    LdMapIdx       0x18: U, F(5), Z, U,    LdImm64(Imm64Kind::MapIdx),                                   V1 Base64    "ld_pseudo {d}, 5, {i}"; ""; "5.14",
    LdMapValueIdx  0x18: U, F(6), Z, U,    LdImm64(Imm64Kind::MapValueIdx),                              V1 Base64    "ld_pseudo {d}, 6, {i}"; ""; "5.14",

    // Legacy packet access (RFC 9669 §5.5)
    LdAbsB         0x30: Z, Z, Z, U,       LdAbs { size: B },                                            V1 Packet    "r0 = *(u8 *)skb[{i}]"; "ldabsb {i}"; "3.18",
    LdAbsH         0x28: Z, Z, Z, U,       LdAbs { size: H },                                            V1 Packet    "r0 = *(u16 *)skb[{i}]"; "ldabsh {i}"; "3.18",
    LdAbsW         0x20: Z, Z, Z, U,       LdAbs { size: W },                                            V1 Packet    "r0 = *(u32 *)skb[{i}]"; "ldabsw {i}"; "3.18",
    LdIndB         0x50: Z, U, Z, U,       LdInd { size: B },                                            V1 Packet    "r0 = *(u8 *)skb[{s}{+i}]"; "ldindb {s},{i}"; "3.18",
    LdIndH         0x48: Z, U, Z, U,       LdInd { size: H },                                            V1 Packet    "r0 = *(u16 *)skb[{s}{+i}]"; "ldindh {s},{i}"; "3.18",
    LdIndW         0x40: Z, U, Z, U,       LdInd { size: W },                                            V1 Packet    "r0 = *(u32 *)skb[{s}{+i}]"; "ldindw {s},{i}"; "3.18",

    // Loads and stores (RFC 9669 §5.1, §5.2)
    LdxB           0x71: U, U, U, Z,       Load { size: B, signed: false },                              V1 Base32    "{d} = *(u8 *)({s} {o})" | "{wd} = *(u8 *)({s} {o})"; "ldxb {d},[{s}{o}]"; "3.18",
    LdxH           0x69: U, U, U, Z,       Load { size: H, signed: false },                              V1 Base32    "{d} = *(u16 *)({s} {o})" | "{wd} = *(u16 *)({s} {o})"; "ldxh {d},[{s}{o}]"; "3.18",
    LdxW           0x61: U, U, U, Z,       Load { size: W, signed: false },                              V1 Base32    "{d} = *(u32 *)({s} {o})" | "{wd} = *(u32 *)({s} {o})"; "ldxw {d},[{s}{o}]"; "3.18",
    LdxDw          0x79: U, U, U, Z,       Load { size: Dw, signed: false },                             V1 Base64    "{d} = *(u64 *)({s} {o})"; "ldxdw {d},[{s}{o}]"; "3.18",
    LdxSb          0x91: U, U, U, Z,       Load { size: B, signed: true },                               V4 Base32    "{d} = *(s8 *)({s} {o})"; "ldxsb {d},[{s}{o}]"; "6.6",
    LdxSh          0x89: U, U, U, Z,       Load { size: H, signed: true },                               V4 Base32    "{d} = *(s16 *)({s} {o})"; "ldxsh {d},[{s}{o}]"; "6.6",
    LdxSw          0x81: U, U, U, Z,       Load { size: W, signed: true },                               V4 Base32    "{d} = *(s32 *)({s} {o})"; "ldxsw {d},[{s}{o}]"; "6.6",
    StxB           0x73: U, U, U, Z,       Store { size: B, src: Reg },                                  V1 Base32    "*(u8 *)({d} {o}) = {s}" | "*(u8 *)({d} {o}) = {ws}"; "stxb [{d}{o}],{s}"; "3.18",
    StxH           0x6b: U, U, U, Z,       Store { size: H, src: Reg },                                  V1 Base32    "*(u16 *)({d} {o}) = {s}" | "*(u16 *)({d} {o}) = {ws}"; "stxh [{d}{o}],{s}"; "3.18",
    StxW           0x63: U, U, U, Z,       Store { size: W, src: Reg },                                  V1 Base32    "*(u32 *)({d} {o}) = {s}" | "*(u32 *)({d} {o}) = {ws}"; "stxw [{d}{o}],{s}"; "3.18",
    StxDw          0x7b: U, U, U, Z,       Store { size: Dw, src: Reg },                                 V1 Base64    "*(u64 *)({d} {o}) = {s}"; "stxdw [{d}{o}],{s}"; "3.18",
    StB            0x72: U, Z, U, U,       Store { size: B, src: Imm },                                  V1 Base32    "*(u8 *)({d} {o}) = {i}"; "stb [{d}{o}],{i}"; "3.18",
    StH            0x6a: U, Z, U, U,       Store { size: H, src: Imm },                                  V1 Base32    "*(u16 *)({d} {o}) = {i}"; "sth [{d}{o}],{i}"; "3.18",
    StW            0x62: U, Z, U, U,       Store { size: W, src: Imm },                                  V1 Base32    "*(u32 *)({d} {o}) = {i}"; "stw [{d}{o}],{i}"; "3.18",
    StDw           0x7a: U, Z, U, U,       Store { size: Dw, src: Imm },                                 V1 Base64    "*(u64 *)({d} {o}) = {i}"; "stdw [{d}{o}],{i}"; "3.18",

    // 64-bit atomics (RFC 9669 §5.3)
    AtomicAdd64    0xdb: U, U, U, F(0x00), Atomic { size: Dw, op: AtomicOp::Add, fetch: false },         V1 Atomic64  "lock *(u64 *)({d} {o}) += {s}" | "*(u64 *)({d} {o}) += {s}"; "aadd [{d}{o}],{s}" | "xadddw [{d}{o}],{s}"; "3.18",
    AtomicOr64     0xdb: U, U, U, F(0x40), Atomic { size: Dw, op: AtomicOp::Or, fetch: false },          V3 Atomic64  "lock *(u64 *)({d} {o}) |= {s}"; "aor [{d}{o}],{s}"; "5.12",
    AtomicAnd64    0xdb: U, U, U, F(0x50), Atomic { size: Dw, op: AtomicOp::And, fetch: false },         V3 Atomic64  "lock *(u64 *)({d} {o}) &= {s}"; "aand [{d}{o}],{s}"; "5.12",
    AtomicXor64    0xdb: U, U, U, F(0xa0), Atomic { size: Dw, op: AtomicOp::Xor, fetch: false },         V3 Atomic64  "lock *(u64 *)({d} {o}) ^= {s}"; "axor [{d}{o}],{s}"; "5.12",
    FetchAdd64     0xdb: U, U, U, F(0x01), Atomic { size: Dw, op: AtomicOp::Add, fetch: true },          V3 Atomic64  "{s} = atomic_fetch_add((u64 *)({d} {o}), {s})"; "afadd [{d}{o}],{s}"; "5.12",
    FetchOr64      0xdb: U, U, U, F(0x41), Atomic { size: Dw, op: AtomicOp::Or, fetch: true },           V3 Atomic64  "{s} = atomic_fetch_or((u64 *)({d} {o}), {s})"; "afor [{d}{o}],{s}"; "5.12",
    FetchAnd64     0xdb: U, U, U, F(0x51), Atomic { size: Dw, op: AtomicOp::And, fetch: true },          V3 Atomic64  "{s} = atomic_fetch_and((u64 *)({d} {o}), {s})"; "afand [{d}{o}],{s}"; "5.12",
    FetchXor64     0xdb: U, U, U, F(0xa1), Atomic { size: Dw, op: AtomicOp::Xor, fetch: true },          V3 Atomic64  "{s} = atomic_fetch_xor((u64 *)({d} {o}), {s})"; "afxor [{d}{o}],{s}"; "5.12",
    Xchg64         0xdb: U, U, U, F(0xe1), Atomic { size: Dw, op: AtomicOp::Xchg, fetch: true },         V3 Atomic64  "{s} = xchg_64({d} {o}, {s})"; "axchg [{d}{o}],{s}"; "5.12",
    Cmpxchg64      0xdb: U, U, U, F(0xf1), Atomic { size: Dw, op: AtomicOp::Cmpxchg, fetch: true },      V3 Atomic64  "r0 = cmpxchg_64({d} {o}, r0, {s})"; "acmp [{d}{o}],{s}"; "5.12",

    // 32-bit atomics (RFC 9669 §5.3)
    AtomicAdd32    0xc3: U, U, U, F(0x00), Atomic { size: W, op: AtomicOp::Add, fetch: false },          V1 Atomic32  "lock *(u32 *)({d} {o}) += {ws}" | "lock *(u32 *)({d} {o}) += {s}" | "*(u32 *)({d} {o}) += {s}" | "*(u32 *)({d} {o}) += {ws}"; "aadd32 [{d}{o}],{s}" | "xaddw [{d}{o}],{s}"; "3.18",
    AtomicOr32     0xc3: U, U, U, F(0x40), Atomic { size: W, op: AtomicOp::Or, fetch: false },           V3 Atomic32  "lock *(u32 *)({d} {o}) |= {ws}" | "lock *(u32 *)({d} {o}) |= {s}"; "aor32 [{d}{o}],{s}"; "5.12",
    AtomicAnd32    0xc3: U, U, U, F(0x50), Atomic { size: W, op: AtomicOp::And, fetch: false },          V3 Atomic32  "lock *(u32 *)({d} {o}) &= {ws}" | "lock *(u32 *)({d} {o}) &= {s}"; "aand32 [{d}{o}],{s}"; "5.12",
    AtomicXor32    0xc3: U, U, U, F(0xa0), Atomic { size: W, op: AtomicOp::Xor, fetch: false },          V3 Atomic32  "lock *(u32 *)({d} {o}) ^= {ws}" | "lock *(u32 *)({d} {o}) ^= {s}"; "axor32 [{d}{o}],{s}"; "5.12",
    FetchAdd32     0xc3: U, U, U, F(0x01), Atomic { size: W, op: AtomicOp::Add, fetch: true },           V3 Atomic32  "{ws} = atomic_fetch_add((u32 *)({d} {o}), {ws})"; "afadd32 [{d}{o}],{s}"; "5.12",
    FetchOr32      0xc3: U, U, U, F(0x41), Atomic { size: W, op: AtomicOp::Or, fetch: true },            V3 Atomic32  "{ws} = atomic_fetch_or((u32 *)({d} {o}), {ws})"; "afor32 [{d}{o}],{s}"; "5.12",
    FetchAnd32     0xc3: U, U, U, F(0x51), Atomic { size: W, op: AtomicOp::And, fetch: true },           V3 Atomic32  "{ws} = atomic_fetch_and((u32 *)({d} {o}), {ws})"; "afand32 [{d}{o}],{s}"; "5.12",
    FetchXor32     0xc3: U, U, U, F(0xa1), Atomic { size: W, op: AtomicOp::Xor, fetch: true },           V3 Atomic32  "{ws} = atomic_fetch_xor((u32 *)({d} {o}), {ws})"; "afxor32 [{d}{o}],{s}"; "5.12",
    Xchg32         0xc3: U, U, U, F(0xe1), Atomic { size: W, op: AtomicOp::Xchg, fetch: true },          V3 Atomic32  "{ws} = xchg32_32({d} {o}, {ws})"; "axchg32 [{d}{o}],{s}"; "5.12",
    Cmpxchg32      0xc3: U, U, U, F(0xf1), Atomic { size: W, op: AtomicOp::Cmpxchg, fetch: true },       V3 Atomic32  "w0 = cmpxchg32_32({d} {o}, w0, {ws})"; "acmp32 [{d}{o}],{s}"; "5.12",

    // Load-acquire and store-release (Linux 6.15; not in RFC 9669)
    LoadAcquire8   0xd3: U, U, U, F(0x100), LoadAcquire { size: B },                                      V4 Extension "{wd} = load_acquire((u8 *)({s} {o}))"; ""; "6.15",
    LoadAcquire16  0xcb: U, U, U, F(0x100), LoadAcquire { size: H },                                      V4 Extension "{wd} = load_acquire((u16 *)({s} {o}))"; ""; "6.15",
    LoadAcquire32  0xc3: U, U, U, F(0x100), LoadAcquire { size: W },                                      V4 Extension "{wd} = load_acquire((u32 *)({s} {o}))"; ""; "6.15",
    LoadAcquire64  0xdb: U, U, U, F(0x100), LoadAcquire { size: Dw },                                     V4 Extension "{d} = load_acquire((u64 *)({s} {o}))"; ""; "6.15",
    StoreRelease8  0xd3: U, U, U, F(0x110), StoreRelease { size: B },                                     V4 Extension "store_release((u8 *)({d} {o}), {ws})"; ""; "6.15",
    StoreRelease16 0xcb: U, U, U, F(0x110), StoreRelease { size: H },                                     V4 Extension "store_release((u16 *)({d} {o}), {ws})"; ""; "6.15",
    StoreRelease32 0xc3: U, U, U, F(0x110), StoreRelease { size: W },                                     V4 Extension "store_release((u32 *)({d} {o}), {ws})"; ""; "6.15",
    StoreRelease64 0xdb: U, U, U, F(0x110), StoreRelease { size: Dw },                                    V4 Extension "store_release((u64 *)({d} {o}), {s})"; ""; "6.15",

    // Jumps and calls (RFC 9669 §4.3)
    Ja             0x05: Z, Z, U, Z,       Jump { long: false },                                         V1 Base32    "goto {t}"; "ja {t}"; "3.18",
    JaLong         0x06: Z, Z, Z, U,       Jump { long: true },                                          V4 Base32    "gotol {t}"; "jal {t}"; "6.6",
    JaX            0x0d: U, Z, Z, Z,       JumpX,                                                        V4 Extension "gotox {d}"; ""; "6.19",
    MayGoto        0xe5: Z, Z, U, Z,       MayGoto,                                                      V4 Extension "may_goto {t}"; "jcond {t}"; "6.9",
    CallHelper     0x85: Z, F(0), Z, U,    CallHelper,                                                   V1 Base32    "call {i}"; "call {i}"; "3.18",
    CallLocal      0x85: Z, F(1), Z, U,    CallLocal,                                                    V1 Base32    "call pc{r}"; "call pc{r}"; "4.16",
    CallKfunc      0x85: Z, F(2), U, U,    CallKfunc,                                                    V1 Base32    "call kfunc({i}, {m})"; "call kfunc({i}, {m})"; "5.13",
    CallX          0x8d: U, Z, Z, Z,       CallX,                                                        V1 Extension "callx {d}"; "call {d}"; "",
    Exit           0x95: Z, Z, Z, Z,       Exit,                                                         V1 Base32    "exit"; "exit"; "3.18",

    // Conditional jumps on 64 bits (RFC 9669 §4.3)
    Jeq64X         0x1d: U, U, U, Z,       JumpIf { width: W64, cond: Cond::Eq, src: Reg },              V1 Base64    "if {d} == {s} goto {t}"; "jeq {d},{s},{t}"; "3.18",
    Jeq64K         0x15: U, Z, U, U,       JumpIf { width: W64, cond: Cond::Eq, src: Imm },              V1 Base64    "if {d} == {i} goto {t}"; "jeq {d},{i},{t}"; "3.18",
    Jgt64X         0x2d: U, U, U, Z,       JumpIf { width: W64, cond: Cond::Gt, src: Reg },              V1 Base64    "if {d} > {s} goto {t}"; "jgt {d},{s},{t}"; "3.18",
    Jgt64K         0x25: U, Z, U, U,       JumpIf { width: W64, cond: Cond::Gt, src: Imm },              V1 Base64    "if {d} > {i} goto {t}"; "jgt {d},{i},{t}"; "3.18",
    Jge64X         0x3d: U, U, U, Z,       JumpIf { width: W64, cond: Cond::Ge, src: Reg },              V1 Base64    "if {d} >= {s} goto {t}"; "jge {d},{s},{t}"; "3.18",
    Jge64K         0x35: U, Z, U, U,       JumpIf { width: W64, cond: Cond::Ge, src: Imm },              V1 Base64    "if {d} >= {i} goto {t}"; "jge {d},{i},{t}"; "3.18",
    Jset64X        0x4d: U, U, U, Z,       JumpIf { width: W64, cond: Cond::Set, src: Reg },             V1 Base64    "if {d} & {s} goto {t}"; "jset {d},{s},{t}"; "3.18",
    Jset64K        0x45: U, Z, U, U,       JumpIf { width: W64, cond: Cond::Set, src: Imm },             V1 Base64    "if {d} & {i} goto {t}"; "jset {d},{i},{t}"; "3.18",
    Jne64X         0x5d: U, U, U, Z,       JumpIf { width: W64, cond: Cond::Ne, src: Reg },              V1 Base64    "if {d} != {s} goto {t}"; "jne {d},{s},{t}"; "3.18",
    Jne64K         0x55: U, Z, U, U,       JumpIf { width: W64, cond: Cond::Ne, src: Imm },              V1 Base64    "if {d} != {i} goto {t}"; "jne {d},{i},{t}"; "3.18",
    Jsgt64X        0x6d: U, U, U, Z,       JumpIf { width: W64, cond: Cond::Sgt, src: Reg },             V1 Base64    "if {d} s> {s} goto {t}"; "jsgt {d},{s},{t}"; "3.18",
    Jsgt64K        0x65: U, Z, U, U,       JumpIf { width: W64, cond: Cond::Sgt, src: Imm },             V1 Base64    "if {d} s> {i} goto {t}"; "jsgt {d},{i},{t}"; "3.18",
    Jsge64X        0x7d: U, U, U, Z,       JumpIf { width: W64, cond: Cond::Sge, src: Reg },             V1 Base64    "if {d} s>= {s} goto {t}"; "jsge {d},{s},{t}"; "3.18",
    Jsge64K        0x75: U, Z, U, U,       JumpIf { width: W64, cond: Cond::Sge, src: Imm },             V1 Base64    "if {d} s>= {i} goto {t}"; "jsge {d},{i},{t}"; "3.18",
    Jlt64X         0xad: U, U, U, Z,       JumpIf { width: W64, cond: Cond::Lt, src: Reg },              V2 Base64    "if {d} < {s} goto {t}"; "jlt {d},{s},{t}"; "4.14",
    Jlt64K         0xa5: U, Z, U, U,       JumpIf { width: W64, cond: Cond::Lt, src: Imm },              V2 Base64    "if {d} < {i} goto {t}"; "jlt {d},{i},{t}"; "4.14",
    Jle64X         0xbd: U, U, U, Z,       JumpIf { width: W64, cond: Cond::Le, src: Reg },              V2 Base64    "if {d} <= {s} goto {t}"; "jle {d},{s},{t}"; "4.14",
    Jle64K         0xb5: U, Z, U, U,       JumpIf { width: W64, cond: Cond::Le, src: Imm },              V2 Base64    "if {d} <= {i} goto {t}"; "jle {d},{i},{t}"; "4.14",
    Jslt64X        0xcd: U, U, U, Z,       JumpIf { width: W64, cond: Cond::Slt, src: Reg },             V2 Base64    "if {d} s< {s} goto {t}"; "jslt {d},{s},{t}"; "4.14",
    Jslt64K        0xc5: U, Z, U, U,       JumpIf { width: W64, cond: Cond::Slt, src: Imm },             V2 Base64    "if {d} s< {i} goto {t}"; "jslt {d},{i},{t}"; "4.14",
    Jsle64X        0xdd: U, U, U, Z,       JumpIf { width: W64, cond: Cond::Sle, src: Reg },             V2 Base64    "if {d} s<= {s} goto {t}"; "jsle {d},{s},{t}"; "4.14",
    Jsle64K        0xd5: U, Z, U, U,       JumpIf { width: W64, cond: Cond::Sle, src: Imm },             V2 Base64    "if {d} s<= {i} goto {t}"; "jsle {d},{i},{t}"; "4.14",

    // Conditional jumps on 32 bits (RFC 9669 §4.3)
    Jeq32X         0x1e: U, U, U, Z,       JumpIf { width: W32, cond: Cond::Eq, src: Reg },              V3 Base32    "if {wd} == {ws} goto {t}"; "jeq32 {d},{s},{t}"; "5.1",
    Jeq32K         0x16: U, Z, U, U,       JumpIf { width: W32, cond: Cond::Eq, src: Imm },              V3 Base32    "if {wd} == {i} goto {t}"; "jeq32 {d},{i},{t}"; "5.1",
    Jgt32X         0x2e: U, U, U, Z,       JumpIf { width: W32, cond: Cond::Gt, src: Reg },              V3 Base32    "if {wd} > {ws} goto {t}"; "jgt32 {d},{s},{t}"; "5.1",
    Jgt32K         0x26: U, Z, U, U,       JumpIf { width: W32, cond: Cond::Gt, src: Imm },              V3 Base32    "if {wd} > {i} goto {t}"; "jgt32 {d},{i},{t}"; "5.1",
    Jge32X         0x3e: U, U, U, Z,       JumpIf { width: W32, cond: Cond::Ge, src: Reg },              V3 Base32    "if {wd} >= {ws} goto {t}"; "jge32 {d},{s},{t}"; "5.1",
    Jge32K         0x36: U, Z, U, U,       JumpIf { width: W32, cond: Cond::Ge, src: Imm },              V3 Base32    "if {wd} >= {i} goto {t}"; "jge32 {d},{i},{t}"; "5.1",
    Jset32X        0x4e: U, U, U, Z,       JumpIf { width: W32, cond: Cond::Set, src: Reg },             V3 Base32    "if {wd} & {ws} goto {t}"; "jset32 {d},{s},{t}"; "5.1",
    Jset32K        0x46: U, Z, U, U,       JumpIf { width: W32, cond: Cond::Set, src: Imm },             V3 Base32    "if {wd} & {i} goto {t}"; "jset32 {d},{i},{t}"; "5.1",
    Jne32X         0x5e: U, U, U, Z,       JumpIf { width: W32, cond: Cond::Ne, src: Reg },              V3 Base32    "if {wd} != {ws} goto {t}"; "jne32 {d},{s},{t}"; "5.1",
    Jne32K         0x56: U, Z, U, U,       JumpIf { width: W32, cond: Cond::Ne, src: Imm },              V3 Base32    "if {wd} != {i} goto {t}"; "jne32 {d},{i},{t}"; "5.1",
    Jsgt32X        0x6e: U, U, U, Z,       JumpIf { width: W32, cond: Cond::Sgt, src: Reg },             V3 Base32    "if {wd} s> {ws} goto {t}"; "jsgt32 {d},{s},{t}"; "5.1",
    Jsgt32K        0x66: U, Z, U, U,       JumpIf { width: W32, cond: Cond::Sgt, src: Imm },             V3 Base32    "if {wd} s> {i} goto {t}"; "jsgt32 {d},{i},{t}"; "5.1",
    Jsge32X        0x7e: U, U, U, Z,       JumpIf { width: W32, cond: Cond::Sge, src: Reg },             V3 Base32    "if {wd} s>= {ws} goto {t}"; "jsge32 {d},{s},{t}"; "5.1",
    Jsge32K        0x76: U, Z, U, U,       JumpIf { width: W32, cond: Cond::Sge, src: Imm },             V3 Base32    "if {wd} s>= {i} goto {t}"; "jsge32 {d},{i},{t}"; "5.1",
    Jlt32X         0xae: U, U, U, Z,       JumpIf { width: W32, cond: Cond::Lt, src: Reg },              V3 Base32    "if {wd} < {ws} goto {t}"; "jlt32 {d},{s},{t}"; "5.1",
    Jlt32K         0xa6: U, Z, U, U,       JumpIf { width: W32, cond: Cond::Lt, src: Imm },              V3 Base32    "if {wd} < {i} goto {t}"; "jlt32 {d},{i},{t}"; "5.1",
    Jle32X         0xbe: U, U, U, Z,       JumpIf { width: W32, cond: Cond::Le, src: Reg },              V3 Base32    "if {wd} <= {ws} goto {t}"; "jle32 {d},{s},{t}"; "5.1",
    Jle32K         0xb6: U, Z, U, U,       JumpIf { width: W32, cond: Cond::Le, src: Imm },              V3 Base32    "if {wd} <= {i} goto {t}"; "jle32 {d},{i},{t}"; "5.1",
    Jslt32X        0xce: U, U, U, Z,       JumpIf { width: W32, cond: Cond::Slt, src: Reg },             V3 Base32    "if {wd} s< {ws} goto {t}"; "jslt32 {d},{s},{t}"; "5.1",
    Jslt32K        0xc6: U, Z, U, U,       JumpIf { width: W32, cond: Cond::Slt, src: Imm },             V3 Base32    "if {wd} s< {i} goto {t}"; "jslt32 {d},{i},{t}"; "5.1",
    Jsle32X        0xde: U, U, U, Z,       JumpIf { width: W32, cond: Cond::Sle, src: Reg },             V3 Base32    "if {wd} s<= {ws} goto {t}"; "jsle32 {d},{s},{t}"; "5.1",
    Jsle32K        0xd6: U, Z, U, U,       JumpIf { width: W32, cond: Cond::Sle, src: Imm },             V3 Base32    "if {wd} s<= {i} goto {t}"; "jsle32 {d},{i},{t}"; "5.1",
}
