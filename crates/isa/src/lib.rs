//! The BPF instruction set: one table, and what derives from it.
//!
//! The table (`table.rs`) has a row for each instruction of RFC 9669 and of Linux's additions.
//! [`decode`] and [`encode`] are strict and inverse to each other; [`Op::spec`] gives a row with
//! its level, group and spellings; [`Kind`] is the structured view that verifier and engines match
//! on. This crate knows no ELF, no text and no host, and decoding does not allocate.
//!
//! ```
//! use abide_isa::{Endian, Op, Raw, Reg, decode, encode};
//!
//! let slot = Raw::from_bytes([0x0f, 0x21, 0, 0, 0, 0, 0, 0], Endian::Little);
//! let insn = decode(&[slot])?;
//! assert_eq!((insn.op, insn.dst, insn.src), (Op::Add64X, Reg::R1, Reg::R2));
//! assert_eq!(encode(&insn).unwrap()[..], [slot]);
//!
//! // Nothing is ignored: what differs from a known instruction in any field is not that one.
//! assert!(decode(&[Raw { imm: 1, ..slot }]).is_err());
//! # Ok::<(), abide_isa::DecodeError>(())
//! ```
#![forbid(unsafe_code)]

pub mod codes;
mod decode;
mod encode;
mod insn;
mod kind;
mod raw;
mod reg;
mod shape;
mod spec;
mod table;

pub use codes::CODES;
pub use decode::{
    DecodeError, DecodeErrorKind, SlotField, decode, decode_all, decode_bytes, decode_next,
    decode_slot, forms,
};
pub use encode::{EncodeError, Encoded, encode, encode_bytes};
pub use insn::Insn;
pub use kind::{AluOp, AtomicOp, Cond, EndianOp, Imm64Kind, Kind, Operand, Size, Width};
pub use raw::{Endian, Raw};
pub use reg::{Reg, RegSet};
pub use spec::{Field, Group, Level, Spec};
pub use table::Op;
