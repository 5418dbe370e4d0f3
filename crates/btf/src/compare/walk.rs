//! The walk along two graphs of types. Says what differs; how it is said is `reason`'s business.

mod parts;

use std::collections::{HashSet, VecDeque};

use super::tags::Tags;
use super::{Difference, Follow, MAX_DEPTH, MAX_FOUND, MAX_WORK, Reason, Rules, Step};
use crate::Btf;
use crate::types::{Kind, Linkage, Type, TypeId};

/// Compares types of one file with types of another. What was found to be the same is remembered.
#[derive(Debug)]
pub struct Comparison<'a> {
    here: Side<'a>,
    there: Side<'a>,
    rules: Rules,
    /// How many steps all comparisons together may still take.
    left: u64,
    /// Pairs from which on nothing differs.
    same: HashSet<Pair>,
}

/// Two types, and whether they are behind a pointer.
type Pair = (TypeId, TypeId, bool);

/// One of the two files.
#[derive(Debug)]
struct Side<'a> {
    btf: &'a Btf,
    tags: Tags<'a>,
}

impl<'a> Comparison<'a> {
    /// For types of `here` with types of `there`; both may be the same file.
    pub fn new(here: &'a Btf, there: &'a Btf, rules: Rules) -> Comparison<'a> {
        let tags = |btf| if rules.spelling { Tags::new(btf) } else { Tags::default() };
        let side = |btf| Side { btf, tags: tags(btf) };
        // Types that many others have as an anonymous part are walked again for each of them. A kernel
        // takes less than one step for a byte.
        let left = u64::from(MAX_WORK) + 16 * (here.bytes() + there.bytes()) as u64;
        Comparison { here: side(here), there: side(there), rules, left, same: HashSet::new() }
    }

    /// How two types differ: not at all if it is empty. What is nearer comes first, and at most some
    /// hundred differences are told. Ids that do not exist count as `void`.
    pub fn types(&mut self, here: TypeId, there: TypeId) -> Vec<Difference> {
        let budget = u32::try_from(self.left).map_or(MAX_WORK, |left| left.min(MAX_WORK));
        let mut walk = Walk {
            here: &self.here,
            there: &self.there,
            rules: self.rules,
            same: &self.same,
            seen: HashSet::new(),
            nodes: vec![Node { parent: 0, depth: 0, turn: None, types: (here, there) }],
            queue: VecDeque::new(),
            found: Vec::new(),
            left: budget,
        };
        walk.pair(here, there, 0, false);
        while let Some((here, there, node, behind)) = walk.queue.pop_front() {
            if walk.is_full() || walk.spend(1).is_none() {
                break;
            }
            walk.pair(here, there, node, behind);
        }
        self.left -= u64::from(budget - walk.left);
        let (seen, differences) = walk.finish();
        if differences.is_empty() {
            self.same.extend(seen);
        }
        differences
    }
}

/// A place on the way.
#[derive(Debug)]
struct Node<'a> {
    parent: usize,
    depth: u32,
    turn: Option<Turn<'a>>,
    /// What is there.
    types: (TypeId, TypeId),
}

/// A [`Step`] that owns no name yet.
#[derive(Debug, Clone, Copy)]
enum Turn<'a> {
    Result,
    Parameter(u32, &'a str),
    Member(&'a str),
    Value(&'a str),
    Variable(&'a str),
    Pointee,
    Element,
}

impl From<Turn<'_>> for Step {
    fn from(turn: Turn<'_>) -> Step {
        match turn {
            Turn::Result => Step::Result,
            Turn::Parameter(index, name) => Step::Parameter { index, name: name.to_owned() },
            Turn::Member(name) => Step::Member(name.to_owned()),
            Turn::Value(name) => Step::Value(name.to_owned()),
            Turn::Variable(name) => Step::Variable(name.to_owned()),
            Turn::Pointee => Step::Pointee,
            Turn::Element => Step::Element,
        }
    }
}

struct Walk<'a, 'c> {
    here: &'c Side<'a>,
    there: &'c Side<'a>,
    rules: Rules,
    same: &'c HashSet<Pair>,
    seen: HashSet<Pair>,
    nodes: Vec<Node<'a>>,
    /// Pairs yet to be compared: where they are, and whether behind a pointer.
    queue: VecDeque<(TypeId, TypeId, usize, bool)>,
    found: Vec<(usize, Reason)>,
    left: u32,
}

/// A type without what stands around it.
struct Peeled<'a> {
    base: TypeId,
    /// The first typedef.
    typedef: Option<&'a str>,
    qualifiers: Vec<&'static str>,
    tags: Vec<&'a str>,
}

/// Takes qualifiers and tags off a type, and typedefs; stops before a typedef if `whole` is false.
fn peel(btf: &Btf, id: TypeId, whole: bool) -> Peeled<'_> {
    let (mut qualifiers, mut tags, mut typedef) = (Vec::new(), Vec::new(), None);
    let mut base = id;
    loop {
        let (word, to) = match btf.get(base) {
            Some(Type::Const { to }) => (Some("const"), to),
            Some(Type::Volatile { to }) => (Some("volatile"), to),
            Some(Type::Restrict { to }) => (Some("restrict"), to),
            Some(Type::TypeTag { name, to, .. }) => {
                tags.push(name);
                (None, to)
            }
            Some(Type::Typedef { name, to }) => {
                typedef.get_or_insert(name);
                if !whole {
                    break;
                }
                (None, to)
            }
            _ => break,
        };
        qualifiers.extend(word);
        base = to;
    }
    qualifiers.sort_unstable();
    qualifiers.dedup();
    Peeled { base, typedef, qualifiers, tags }
}

impl<'a> Walk<'a, '_> {
    fn spend(&mut self, work: u32) -> Option<()> {
        match self.left.checked_sub(work) {
            Some(left) => self.left = left,
            None => {
                self.left = 0;
                self.say(0, Reason::TooMuch);
                return None;
            }
        }
        Some(())
    }

    /// Whether there are more differences than are told.
    fn is_full(&self) -> bool {
        self.found.len() > MAX_FOUND
    }

    fn say(&mut self, node: usize, reason: Reason) {
        if !self.is_full() && (self.rules.spelling || !reason.is_spelling()) {
            self.found.push((node, reason));
        }
    }

    /// Says so if two things differ.
    fn differ<T: PartialEq>(&mut self, node: usize, here: T, there: T, reason: fn(T, T) -> Reason) {
        if here != there {
            self.say(node, reason(here, there));
        }
    }

    fn node(&mut self, parent: usize, turn: Turn<'a>, types: (TypeId, TypeId)) -> usize {
        let depth = self.nodes[parent].depth + 1;
        self.nodes.push(Node { parent, depth, turn: Some(turn), types });
        self.nodes.len() - 1
    }

    /// The types at a node are to be compared.
    fn enqueue(&mut self, node: usize, behind: bool) {
        let Node { depth, types: (here, there), .. } = self.nodes[node];
        if depth > MAX_DEPTH {
            return self.say(0, Reason::TooMuch);
        }
        self.queue.push_back((here, there, node, behind));
    }

    /// Compares what is around two types, and then the types.
    fn pair(&mut self, here: TypeId, there: TypeId, node: usize, behind: bool) {
        let is_root = node == 0 && self.nodes.len() == 1;
        let by_name = self.rules.follow == Follow::Nothing && !is_root;
        let (mut one, mut other) =
            (peel(self.here.btf, here, !by_name), peel(self.there.btf, there, !by_name));
        if by_name && one.typedef != other.typedef {
            // Another name may still be the same type.
            (one, other) = (peel(self.here.btf, here, true), peel(self.there.btf, there, true));
        } else if by_name && one.typedef.is_some() {
            self.around(&one, &other, node);
            return;
        }
        self.around(&one, &other, node);
        if one.typedef != other.typedef {
            let text = |name: Option<&str>| name.unwrap_or_default().to_owned();
            self.say(node, Reason::Typedef(text(one.typedef), text(other.typedef)));
        }
        self.bare(one.base, other.base, node, behind, is_root);
    }

    fn around(&mut self, one: &Peeled<'_>, other: &Peeled<'_>, node: usize) {
        let text = |words: &[&str]| words.join(" ");
        self.differ(node, text(&one.qualifiers), text(&other.qualifiers), Reason::Qualifiers);
        self.differ(node, text(&one.tags), text(&other.tags), Reason::Tags);
    }

    /// Compares two types without typedefs and qualifiers.
    fn bare(&mut self, here: TypeId, there: TypeId, node: usize, behind: bool, is_root: bool) {
        let (one, other) = match (self.here.btf.get(here), self.there.btf.get(there)) {
            (None, None) => return,
            (Some(one), Some(other)) => (one, other),
            (one, other) => {
                let kind = |ty: Option<Type<'_>>| ty.map(|ty| ty.kind());
                return self.say(node, Reason::Kind(kind(one), kind(other)));
            }
        };
        if let (Some(one), Some(other)) = (tag(&one), tag(&other)) {
            if one.kind != other.kind {
                return self.say(node, Reason::Kind(Some(one.kind), Some(other.kind)));
            }
            if one.name != other.name {
                return self.say(node, Reason::Name(one.name.to_owned(), other.name.to_owned()));
            }
            let by_name = match self.rules.follow {
                Follow::Nothing => true,
                Follow::Embedded => behind,
                Follow::All => false,
            };
            if by_name && !is_root && !one.name.is_empty() {
                return;
            }
            if one.declared || other.declared {
                return self.differ(node, one.declared, other.declared, Reason::Declared);
            }
        }
        let pair = (here, there, behind);
        if self.same.contains(&pair) || !self.seen.insert(pair) {
            return;
        }
        self.same_kind((here, one), (there, other), node, behind);
    }

    fn same_kind(
        &mut self,
        (here, one): (TypeId, Type<'a>),
        (there, other): (TypeId, Type<'a>),
        node: usize,
        behind: bool,
    ) {
        match (one, other) {
            // The names that compilers give to integers differ; `char` has a sign as any other.
            (
                Type::Int { size, bits, signed, is_bool, .. },
                Type::Int { size: size2, bits: bits2, signed: signed2, is_bool: bool2, .. },
            ) => {
                if size != size2 {
                    return self.say(node, Reason::Size(size, size2));
                }
                self.differ(node, bits, bits2, Reason::Bits);
                self.differ(node, signed, signed2, Reason::Signed);
                self.differ(node, is_bool, bool2, Reason::Bool);
            }
            (Type::Float { size, .. }, Type::Float { size: size2, .. }) => {
                self.differ(node, size, size2, Reason::Size);
            }
            (Type::Ptr { to }, Type::Ptr { to: to2 }) => {
                let node = self.node(node, Turn::Pointee, (to, to2));
                self.enqueue(node, true);
            }
            (Type::Array { elem, len, .. }, Type::Array { elem: elem2, len: len2, .. }) => {
                // Files may know an array without its length.
                if self.rules.spelling || len != 0 && len2 != 0 {
                    self.differ(node, len, len2, Reason::Length);
                }
                let node = self.node(node, Turn::Element, (elem, elem2));
                self.enqueue(node, behind);
            }
            (Type::Struct(one), Type::Struct(other)) | (Type::Union(one), Type::Union(other)) => {
                self.composites((here, &one), (there, &other), node, behind);
            }
            (Type::Enum(one) | Type::Enum64(one), Type::Enum(other) | Type::Enum64(other)) => {
                self.enums(&one, &other, node);
                self.tags((here, None), (there, None), node);
            }
            (
                Type::Func { name, proto, linkage },
                Type::Func { name: name2, proto: proto2, linkage: linkage2 },
            ) => {
                self.names(name, name2, node);
                self.differ(node, word(linkage), word(linkage2), Reason::Linkage);
                self.tags((here, None), (there, None), node);
                self.bare(proto, proto2, node, behind, false);
                self.parameter_tags((here, proto), (there, proto2), node);
            }
            (Type::FuncProto { ret, params }, Type::FuncProto { ret: ret2, params: params2 }) => {
                self.prototypes((ret, params), (ret2, params2), node, behind);
            }
            (
                Type::Var { name, ty, linkage },
                Type::Var { name: name2, ty: ty2, linkage: linkage2 },
            ) => {
                self.names(name, name2, node);
                self.differ(node, word(linkage), word(linkage2), Reason::Linkage);
                self.tags((here, None), (there, None), node);
                self.queue.push_back((ty, ty2, node, behind));
            }
            (
                Type::DataSec { name, size, vars },
                Type::DataSec { name: name2, size: size2, vars: vars2 },
            ) => {
                self.names(name, name2, node);
                self.differ(node, size, size2, Reason::Size);
                self.sections(vars, vars2, node);
            }
            (
                Type::DeclTag { name, ty, component, .. },
                Type::DeclTag { name: name2, ty: ty2, component: component2, .. },
            ) => {
                self.names(name, name2, node);
                let number = |component: Option<u32>| component.map_or(-1, i64::from);
                self.differ(node, number(component), number(component2), Reason::Value);
                self.queue.push_back((ty, ty2, node, behind));
            }
            (one, other) => self.say(node, Reason::Kind(Some(one.kind()), Some(other.kind()))),
        }
    }

    fn names(&mut self, here: &str, there: &str, node: usize) {
        self.differ(node, here.to_owned(), there.to_owned(), Reason::Name);
    }

    /// All pairs that were met, and the differences with their ways.
    fn finish(mut self) -> (HashSet<Pair>, Vec<Difference>) {
        let mut found = std::mem::take(&mut self.found);
        // Another name of a type that differs itself is no news.
        let places: HashSet<usize> = found
            .iter()
            .filter(|(_, reason)| !matches!(reason, Reason::Typedef(..)))
            .flat_map(|(node, _)| self.way(*node))
            .collect();
        found.retain(|(node, reason)| {
            !matches!(reason, Reason::Typedef(..)) || !places.contains(node)
        });
        if found.len() > MAX_FOUND {
            found.truncate(MAX_FOUND);
            found.push((0, Reason::More));
        }
        let differences =
            found.into_iter().map(|(node, reason)| self.difference(node, reason)).collect();
        (self.seen, differences)
    }

    /// The nodes from one up to the root.
    fn way(&self, node: usize) -> Vec<usize> {
        let mut way = vec![node];
        let mut at = node;
        while at != 0 {
            at = self.nodes[at].parent;
            way.push(at);
        }
        way
    }

    fn difference(&self, node: usize, reason: Reason) -> Difference {
        let way = self.way(node);
        let is_part =
            |node: &usize| matches!(self.nodes[*node].turn, Some(Turn::Pointee | Turn::Element));
        let place = way.iter().copied().find(|node| !is_part(node)).unwrap_or(0);
        let (here, there) = self.nodes[place].types;
        let name = match self.nodes[place].turn {
            Some(Turn::Member(name)) if matches!(reason, Reason::Exists(..)) => name,
            _ => "",
        };
        let shown = |btf: &Btf, id: TypeId, exists: bool| match exists {
            true => btf.short_declaration(id, name),
            false => String::new(),
        };
        let exists = |side: fn(bool, bool) -> bool| match reason {
            Reason::Exists(here, there) => side(here, there),
            _ => true,
        };
        let path =
            way.iter().rev().filter_map(|node| self.nodes[*node].turn).map(Step::from).collect();
        // A value of an enum has no type of its own.
        let has_type = !matches!(self.nodes[place].turn, Some(Turn::Value(_)));
        Difference {
            path,
            here: shown(self.here.btf, here, has_type && exists(|here, _| here)),
            there: shown(self.there.btf, there, has_type && exists(|_, there| there)),
            reason,
        }
    }
}

/// What has a tag in C.
struct Tag<'a> {
    kind: Kind,
    name: &'a str,
    declared: bool,
}

fn tag<'a>(ty: &Type<'a>) -> Option<Tag<'a>> {
    let (kind, declared) = match ty {
        Type::Struct(_) => (Kind::Struct, false),
        Type::Union(_) => (Kind::Union, false),
        Type::Fwd { is_union, .. } => (if *is_union { Kind::Union } else { Kind::Struct }, true),
        Type::Enum(found) | Type::Enum64(found) => (Kind::Enum, found.values.is_empty()),
        _ => return None,
    };
    Some(Tag { kind, name: ty.name(), declared })
}

fn word(linkage: Linkage) -> &'static str {
    match linkage {
        Linkage::Static => "static",
        Linkage::Global => "global",
        Linkage::Extern => "extern",
    }
}
