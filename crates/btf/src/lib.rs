//! BTF, the type information of BPF objects and kernels: read, write, check, index, compare, print,
//! show values.
//!
//! [`Btf::parse`] takes the bytes of a `.BTF` section or of `/sys/kernel/btf/vmlinux` in either
//! endianness and refuses what is malformed, so that everything after it can follow ids without
//! looking twice. [`BtfExt`] reads `.BTF.ext`. Nothing here knows maps, sections or hosts.
//!
//! A [`Type`] is a view: it borrows its names and members from the one table that was read, so
//! that a kernel's 150,000 types cost no allocation each.
//!
//! ```no_run
//! use abide_btf::{Btf, Kind, TypeId};
//! let btf = Btf::parse(&std::fs::read("/sys/kernel/btf/vmlinux")?)?;
//! let id = btf.by_name(Kind::Struct, "xdp_md").ok_or("no such struct")?;
//! println!("{}", btf.definition(id));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod build;
mod check;
pub mod codes;
pub mod compare;
pub mod core;
mod dedup;
mod dump;
mod error;
mod ext;
mod index;
mod layout;
mod order;
mod parse;
mod print;
mod query;
mod reach;
mod record;
mod scan;
mod scope;
mod split;
mod types;
pub mod value;

pub use build::{Builder, IdMap, IntEncoding};
pub use error::BtfError;
pub use ext::{BtfExt, CoreKind, CoreRelo, FuncInfo, LineInfo, Section};
pub use order::ByteOrder;
pub use parse::Btf;
pub use types::{
    Composite, EnumValue, Enumeration, Kind, Linkage, List, ListIter, Member, Param, Record,
    SecVar, Type, TypeId,
};
