//! The resolved API: nodes, definitions, events, hosts. Made by `syntax` from a file, or by hand in
//! tests; read by binding, lint, diff and headers. Holds no rule of binding itself (`bind` does)
//! and no text of diagnostics.

use std::ops::Range;
use std::sync::Arc;

use abide_diag::{Diagnostic, Source, Span};
use jiff::civil::Date;

use crate::ctype::CType;
use crate::query::{Index, Namespace};

/// Index of a node in [`Api::nodes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub u32);

/// Index of a definition in [`Api::definitions`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DefId(pub u32);

/// A named set of things that a host offers to programs, through all its versions.
#[derive(Debug, Clone)]
pub struct Api {
    /// Its name, as in a stamp: `kv`.
    pub name: String,
    /// The documentation before the `api` statement.
    pub doc: Option<String>,
    /// How long a superseded or deprecated definition is served when it says nothing itself.
    pub retain: Window,
    /// The node whose definitions have no window, and which objects without a stamp mean.
    pub baseline: Option<NodeId>,
    /// All nodes, parents before children.
    pub nodes: Vec<Node>,
    /// All definitions, in the order of the file.
    pub definitions: Vec<Definition>,
    /// Deprecations, removals and withdrawals, in the order of the file.
    pub events: Vec<Event>,
    /// The `host` statements.
    pub hosts: Vec<HostStatement>,
    /// The text that it was read from.
    pub source: Arc<Source>,
    /// What the linter had to say, none of it an error.
    pub warnings: Vec<Diagnostic>,
    /// See the accessors in `query`.
    pub(crate) index: Index,
}

/// One version of an API.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Its name: `KV_2`, `LINUX_6.5`.
    pub name: String,
    /// The day it was released.
    pub released: Date,
    /// The version that it grew from.
    pub parent: Option<NodeId>,
    /// Feature labels, in the order of the file; definitions refer to them by index.
    pub features: Vec<String>,
    /// Its documentation.
    pub doc: Option<String>,
    /// Where its name stands.
    pub span: Span,
}

/// What one name means from one node on. Its identity is (name, node).
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// The name that programs use.
    pub name: String,
    /// The node that it is defined in.
    pub node: NodeId,
    /// The feature label that it stands under, an index into the node's.
    pub feature: Option<u32>,
    /// What it is.
    pub kind: DefKind,
    /// `since A..B`: the last node that is known to lack it; it stands in the first known to have it.
    pub after: Option<NodeId>,
    /// `changed "…"`: why it supersedes an earlier definition.
    pub changed: Option<String>,
    /// `no_compat "…"`: why a changed prototype has no compat body.
    pub no_compat: Option<String>,
    /// `retain …`: its own window once it is superseded.
    pub retain: Option<Window>,
    /// A compat body: how this definition is served by calling newer ones. Written in the node that
    /// superseded it.
    pub compat: Option<CompatBody>,
    /// Its documentation.
    pub doc: Option<String>,
    /// Where the statement stands.
    pub span: Span,
    /// Where the name stands.
    pub name_span: Span,
}

/// What a definition is.
#[derive(Debug, Clone, PartialEq)]
pub enum DefKind {
    /// Called by number.
    Helper {
        /// The number in `call N`.
        number: u32,
        /// How it is called.
        prototype: Prototype,
    },
    /// Called by name.
    Kfunc {
        /// How it is called.
        prototype: Prototype,
    },
    /// A kind of program: what it is handed and what it may return.
    Program(ProgramType),
    /// A map type by its kernel name: `hash`.
    Map,
    /// `extend kfunc NAME for A, B;`: these programs may call it, too, from this node on.
    Rights(Vec<Caller>),
    /// `isa NAME;` or `verifier NAME;`: instructions that it runs, programs that it can prove safe.
    Ability(Ability),
    /// A struct or union, with a body or opaque.
    Struct(StructType),
    /// An enum: constants for headers.
    Enum(EnumType),
    /// `typedef TYPE NAME;`
    Typedef(CType),
}

impl DefKind {
    /// The prototype of what can be called.
    pub fn prototype(&self) -> Option<&Prototype> {
        match self {
            DefKind::Helper { prototype, .. } | DefKind::Kfunc { prototype } => Some(prototype),
            _ => None,
        }
    }

    /// The word that introduces it in an API file.
    pub fn word(&self) -> &'static str {
        match self {
            DefKind::Helper { .. } => "helper",
            DefKind::Kfunc { .. } => "kfunc",
            DefKind::Program(_) => "program",
            DefKind::Map => "map",
            DefKind::Rights(_) => "extend",
            DefKind::Ability(Ability::Isa) => "isa",
            DefKind::Ability(Ability::Verifier) => "verifier",
            DefKind::Struct(StructType { is_union: true, .. }) => "union",
            DefKind::Struct(_) => "struct",
            DefKind::Enum(_) => "enum",
            DefKind::Typedef(_) => "typedef",
        }
    }
}

/// What a host is able to do, apart from what it offers to be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ability {
    /// Instructions that it runs.
    Isa,
    /// Something that its verifier understands.
    Verifier,
}

/// A C prototype with its contract.
#[derive(Debug, Clone, PartialEq)]
pub struct Prototype {
    /// What it returns.
    pub returns: CType,
    /// Its parameters; at most five.
    pub params: Vec<Param>,
    /// Ends in `...` (headers make fixed arities of it).
    pub variadic: bool,
    /// The words after the prototype.
    pub contract: Contract,
}

/// One parameter. Its contract is in the suffix of its name (`__sz`, `__k`, …; see [`Suffix`]).
#[derive(Debug, Clone, PartialEq)]
pub struct Param {
    /// The name as written, suffix included.
    pub name: String,
    /// Its type.
    pub ty: CType,
    /// Where it stands.
    pub span: Span,
}

/// The contract suffixes of parameter names, as kernel kfuncs use them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Suffix {
    /// `__sz`: the size in bytes of the memory that the parameter before it points to.
    Size,
    /// `__szk`: the same, a constant.
    SizeConst,
    /// `__k`: a constant.
    Const,
    /// `__nz`: never 0.
    NotZero,
    /// `__zero`: 0 and nothing else, known when the program is loaded.
    Zero,
    /// `__uninit`: memory that is written, never read.
    Uninit,
    /// `__nullable`: may be null.
    Nullable,
    /// `__opt`: memory that may be null, and is then not used.
    Opt,
    /// `__ign`: not checked.
    Ignore,
    /// `__str`: a NUL-terminated constant string.
    Str,
    /// `__map`: a map.
    Map,
    /// `__alloc`: an allocated object.
    Alloc,
    /// `__refcounted_kptr`: a counted object.
    RefcountedKptr,
    /// `__const_str`: a string in a read-only map.
    ConstStr,
    /// `__const_map`: a map known when the program is loaded.
    ConstMap,
    /// `__arena`: a pointer into an arena.
    Arena,
    /// `__nonown_allowed`: a reference that does not own is enough.
    NonOwningAllowed,
    /// `__iter`: an iterator.
    Iter,
    /// `__irq_flag`: saved interrupt flags.
    IrqFlag,
    /// `__prog`: filled in by the host, not passed by the program.
    Prog,
    /// `__implicit`: filled in by the host, not passed by the program.
    Implicit,
}

/// The words after a prototype.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contract {
    /// The program owns what is returned.
    pub acquire: bool,
    /// Takes over what the program owned.
    pub release: bool,
    /// May return null.
    pub nullable: bool,
    /// May sleep.
    pub sleepable: bool,
    /// Pointers must be trusted.
    pub trusted: bool,
    /// Pointers may be RCU-protected.
    pub rcu: bool,
    /// Does harm; needs privileges.
    pub destructive: bool,
    /// Only for programs with a GPL-compatible licence.
    pub gpl: bool,
    /// May change the packet: packet pointers are invalid afterwards.
    pub changes_packet: bool,
    /// Memory that is passed may not be a packet's.
    pub no_packet: bool,
    /// Has no effect but its result.
    pub pure: bool,
    /// Does not return.
    pub noreturn: bool,
    /// `for xdp, lsm["lsm_cgroup"]`: who may call it; empty means all programs of the API.
    pub callers: Vec<Caller>,
}

/// Programs that may call something: all of a type, or those of some of its sections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The program type.
    pub program: String,
    /// The sections, each with what stands below it; empty means all of the type.
    pub sections: Vec<String>,
}

/// `program NAME(struct CTX *ctx) section "…" returns A..B;`
#[derive(Debug, Clone, PartialEq)]
pub struct ProgramType {
    /// The parameter list: none, or the context.
    pub params: Vec<Param>,
    /// The section names that mean this type: `xdp` matches `xdp` and `xdp/…`, `?` before it too.
    pub sections: Vec<String>,
    /// The values that it may return; any if absent.
    pub returns: Option<(i64, i64)>,
    /// `sleepable`.
    pub sleepable: bool,
    /// `verdicts ENUM`: the enum that names the returned values.
    pub verdicts: Option<String>,
}

/// A struct or union.
#[derive(Debug, Clone, PartialEq)]
pub struct StructType {
    /// A union.
    pub is_union: bool,
    /// Its fields with offsets; none if opaque.
    pub fields: Vec<Field>,
    /// In bytes; 0 if opaque.
    pub size: u32,
    /// In bytes.
    pub align: u32,
    /// Declared without a body.
    pub opaque: bool,
    /// Written as `extend struct`: adds fields to the end of the earlier definition. `fields` holds
    /// all of them; the first `inherited` came with the earlier one.
    pub inherited: Option<u32>,
    /// `ops TYPE`: programs of this type are put into its members, for the host to call them.
    pub ops: Option<String>,
    /// Anonymous structs and unions among the fields, outer before inner. `fields` is flat: their
    /// members stand in it with their offsets in the whole struct.
    pub groups: Vec<Group>,
}

/// An anonymous struct or union inside a [`StructType`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// A union: its members overlap.
    pub is_union: bool,
    /// Which fields of the struct are its members, never none.
    pub fields: Range<u32>,
}

/// One field of a struct.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: CType,
    /// In bytes.
    pub offset: u32,
    /// In bytes.
    pub size: u32,
    /// What a context field means to a program.
    pub role: FieldRole,
    /// Programs may store to it.
    pub writable: bool,
    /// Its documentation.
    pub doc: Option<String>,
    /// Where it stands.
    pub span: Span,
}

/// What a context field is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FieldRole {
    /// A plain value.
    Plain,
    /// `packet`: the first byte of the data that the program may read. Whatever width the field has,
    /// a load gives a pointer.
    Packet,
    /// `packet_end`: one past the last byte.
    PacketEnd,
    /// `packet_meta`: the first byte of the metadata before the packet.
    PacketMeta,
}

/// An enum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnumType {
    /// Names and values, in order.
    pub values: Vec<(String, i64)>,
    /// Written as `extend enum`: adds values to the earlier definition. `values` holds all of them;
    /// the first `inherited` came with the earlier one.
    pub inherited: Option<u32>,
    /// `unnamed`: programs know its constants only, the host's own headers have no enum of this name.
    pub unnamed: bool,
}

/// How long a definition is still served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// Always.
    Forever,
    /// A span of time.
    Span {
        /// Years.
        years: u16,
        /// Months.
        months: u16,
        /// Days.
        days: u16,
    },
    /// So many nodes after the one that superseded it.
    Nodes(u16),
}

/// How an old definition is served by a newer one.
#[derive(Debug, Clone, PartialEq)]
pub struct CompatBody {
    /// The instructions, as text, without the braces.
    pub text: String,
    /// Where the text stands.
    pub span: Span,
    /// The node that it is written in.
    pub node: NodeId,
}

/// Something that happens to a name in a node, besides being defined.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The name that it happens to.
    pub name: String,
    /// What the name means: something callable, unless a word says otherwise (`map hash;`).
    pub namespace: Namespace,
    /// The node that says so.
    pub node: NodeId,
    /// What happens.
    pub kind: EventKind,
    /// Where it stands.
    pub span: Span,
}

/// What happens to a name.
#[derive(Debug, Clone, PartialEq)]
pub enum EventKind {
    /// Still served, but to be left.
    Deprecated {
        /// What to use.
        instead: Option<String>,
        /// The node in which it is planned to go: a name, since it need not exist yet.
        remove: Option<String>,
    },
    /// Gone from this node on.
    Removed {
        /// What to use.
        instead: Option<String>,
        /// `early "…"`: why it goes without the deprecation and the window that law 4 asks for.
        early: Option<String>,
    },
    /// Gone at once, for all versions.
    Withdrawn {
        /// Why.
        reason: String,
    },
}

/// `host NAME : NODE released DATE { … }`
#[derive(Debug, Clone, PartialEq)]
pub struct HostStatement {
    /// Its name.
    pub name: String,
    /// The node that it is built on.
    pub node: NodeId,
    /// Its date.
    pub released: Date,
    /// Definitions that it has besides.
    pub adds: Vec<DefId>,
    /// `adds` as written: `KV_2/ttl`, `kv_find@KV_3`.
    pub adds_written: Vec<String>,
    /// Names that it does not serve, with the reason.
    pub withdraws: Vec<(String, String)>,
    /// Names that it never had, with why, if that is said: `lacks NAME "…";`.
    pub lacks: Vec<(String, Option<String>)>,
    /// Its own helper numbers: number, name.
    pub numbers: Vec<(u32, String)>,
    /// Its documentation.
    pub doc: Option<String>,
    /// Where its name stands, in the API file or in a file of hosts.
    pub span: Span,
}
