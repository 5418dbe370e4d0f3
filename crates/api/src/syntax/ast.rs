//! What the parser makes of a file: statements with their places, names not yet looked up.

use abide_diag::Span;
use jiff::civil::Date;

use crate::ctype::CType;
use crate::model::{Caller, EnumType, EventKind, FieldRole, Group, Param, Prototype, Window};
use crate::query::Namespace;

/// A word and its place.
#[derive(Debug, Clone)]
pub(crate) struct Name {
    pub(crate) text: String,
    pub(crate) span: Span,
}

#[derive(Debug, Default)]
pub(crate) struct File {
    pub(crate) api: Option<Name>,
    pub(crate) doc: Option<String>,
    pub(crate) retain: Option<Window>,
    pub(crate) baseline: Option<Name>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) hosts: Vec<Host>,
}

#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) name: Name,
    pub(crate) released: Date,
    pub(crate) parent: Option<Name>,
    pub(crate) features: Vec<Name>,
    pub(crate) items: Vec<Item>,
    pub(crate) events: Vec<Event>,
    pub(crate) compats: Vec<Compat>,
    pub(crate) doc: Option<String>,
}

/// A definition.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) name: Name,
    pub(crate) feature: Option<u32>,
    pub(crate) kind: ItemKind,
    pub(crate) words: Words,
    /// Types that it names, to be looked up.
    pub(crate) uses: Vec<TypeUse>,
    pub(crate) doc: Option<String>,
    pub(crate) span: Span,
}

#[derive(Debug)]
pub(crate) enum ItemKind {
    Helper { number: u32, prototype: Prototype },
    Kfunc { prototype: Prototype },
    Program { params: Vec<Param>, params_span: Span },
    Map,
    Rights,
    Ability(crate::model::Ability),
    Struct(Struct),
    Enum { extends: bool, values: EnumType, spans: Vec<Span> },
    Typedef(CType),
}

#[derive(Debug)]
pub(crate) struct Struct {
    pub(crate) is_union: bool,
    pub(crate) extends: bool,
    pub(crate) opaque: bool,
    pub(crate) fields: Vec<Field>,
    pub(crate) groups: Vec<Group>,
}

#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: Name,
    pub(crate) ty: CType,
    pub(crate) role: FieldRole,
    pub(crate) writable: bool,
    pub(crate) doc: Option<String>,
}

/// A type named where it has to be known.
#[derive(Debug, Clone)]
pub(crate) struct TypeUse {
    pub(crate) ty: CType,
    pub(crate) span: Span,
}

/// The words after a definition.
#[derive(Debug, Default)]
pub(crate) struct Words {
    pub(crate) changed: Option<(String, Span)>,
    pub(crate) no_compat: Option<(String, Span)>,
    pub(crate) retain: Option<(Window, Span)>,
    pub(crate) contract: crate::model::Contract,
    pub(crate) callers: Vec<Caller>,
    /// The nodes of `since A..B`.
    pub(crate) since: Option<(Name, Name)>,
    pub(crate) sections: Vec<String>,
    pub(crate) returns: Option<(i64, i64)>,
    pub(crate) verdicts: Option<Name>,
    pub(crate) unnamed: bool,
    pub(crate) ops: Option<Name>,
}

#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) name: Name,
    pub(crate) namespace: Namespace,
    pub(crate) kind: EventKind,
}

#[derive(Debug)]
pub(crate) struct Compat {
    pub(crate) name: Name,
    pub(crate) node: Name,
    pub(crate) text: String,
    pub(crate) text_span: Span,
}

#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) name: Name,
    pub(crate) node: Name,
    pub(crate) released: Date,
    pub(crate) adds: Vec<Name>,
    pub(crate) withdraws: Vec<(Name, String)>,
    pub(crate) lacks: Vec<(Name, Option<String>)>,
    pub(crate) numbers: Vec<(u32, Span, Name)>,
    pub(crate) doc: Option<String>,
}
