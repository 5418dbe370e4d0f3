//! The walk along two graphs of types. Says what differs; how it is said is `reason`'s business.

use std::collections::{HashMap, HashSet, VecDeque};

use super::fields::{Field, Fields};
use super::tags::Tags;
use super::{Difference, Follow, MAX_DEPTH, MAX_FOUND, MAX_WORK, Reason, Rules, Step};
use crate::Btf;
use crate::types::{Composite, Enumeration, Kind, Linkage, List, Param, SecVar, Type, TypeId};

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

/// By name. Like-named members and values, which C does not have, pair up in their order.
fn by_name<'n, T>(all: impl IntoIterator<Item = (&'n str, T)>) -> HashMap<&'n str, VecDeque<T>> {
    let mut found: HashMap<&str, VecDeque<T>> = HashMap::new();
    for (name, one) in all {
        found.entry(name).or_default().push_back(one);
    }
    found
}

/// The next of a name.
fn next<T>(found: &mut HashMap<&str, VecDeque<T>>, name: &str) -> Option<T> {
    found.get_mut(name).and_then(VecDeque::pop_front)
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

    fn tags(
        &mut self,
        (here, component): (TypeId, Option<u32>),
        (there, other): (TypeId, Option<u32>),
        node: usize,
    ) {
        if self.rules.spelling {
            let (here, there) =
                (self.here.tags.on(here, component), self.there.tags.on(there, other));
            self.differ(node, here, there, Reason::Tags);
        }
    }

    fn parameter_tags(
        &mut self,
        (here, one): (TypeId, TypeId),
        (there, other): (TypeId, TypeId),
        node: usize,
    ) {
        let (Some(Type::FuncProto { params, .. }), Some(Type::FuncProto { params: params2, .. })) =
            (self.here.btf.get(one), self.there.btf.get(other))
        else {
            return;
        };
        for (number, (one, other)) in params.iter().zip(params2).enumerate() {
            let component = Some(number as u32);
            let tags = (self.here.tags.on(here, component), self.there.tags.on(there, component));
            if self.rules.spelling && tags.0 != tags.1 {
                let turn = Turn::Parameter(number as u32, one.name);
                let node = self.node(node, turn, (one.ty, other.ty));
                self.say(node, Reason::Tags(tags.0, tags.1));
            }
        }
    }

    fn prototypes(
        &mut self,
        (ret, params): (TypeId, List<'a, Param<'a>>),
        (ret2, params2): (TypeId, List<'a, Param<'a>>),
        node: usize,
        behind: bool,
    ) {
        let result = self.node(node, Turn::Result, (ret, ret2));
        self.enqueue(result, behind);
        let (variadic, variadic2) = (is_variadic(params), is_variadic(params2));
        let count =
            |params: List<'_, Param<'_>>, variadic| (params.len() - usize::from(variadic)) as u32;
        let (len, len2) = (count(params, variadic), count(params2, variadic2));
        self.differ(node, len, len2, Reason::Parameters);
        self.differ(node, variadic, variadic2, Reason::Variadic);
        let pairs = params.iter().zip(params2).take(len.min(len2) as usize);
        for (number, (one, other)) in pairs.enumerate() {
            if self.spend(1).is_none() {
                return;
            }
            let name = if one.name.is_empty() { other.name } else { one.name };
            let turn = Turn::Parameter(number as u32, name);
            let node = self.node(node, turn, (one.ty, other.ty));
            // Prototypes that come from calls have no names.
            let named = !one.name.is_empty() && !other.name.is_empty();
            if self.rules.spelling && named {
                self.names(one.name, other.name, node);
            }
            self.enqueue(node, behind);
        }
    }

    fn enums(&mut self, one: &Enumeration<'a>, other: &Enumeration<'a>, node: usize) {
        self.differ(node, one.size, other.size, Reason::Size);
        // Values say it too, but for those that nobody has named.
        if self.rules.spelling {
            self.differ(node, one.signed, other.signed, Reason::Signed);
        }
        let mut rest = by_name(other.values.iter().map(|value| (value.name, value.value)));
        let work = one.values.len() + other.values.len();
        if self.spend(u32::try_from(work).unwrap_or(u32::MAX)).is_none() {
            return;
        }
        let nowhere = (TypeId::VOID, TypeId::VOID);
        for value in one.values {
            let known = next(&mut rest, value.name);
            if known != Some(value.value) {
                let node = self.node(node, Turn::Value(value.name), nowhere);
                self.say(
                    node,
                    match known {
                        Some(known) => Reason::Value(value.value, known),
                        None => Reason::Exists(true, false),
                    },
                );
            }
        }
        for value in other.values {
            if next(&mut rest, value.name).is_some() {
                let node = self.node(node, Turn::Value(value.name), nowhere);
                self.say(node, Reason::Exists(false, true));
            }
        }
    }

    fn composites(
        &mut self,
        (here, one): (TypeId, &Composite<'a>),
        (there, other): (TypeId, &Composite<'a>),
        node: usize,
        behind: bool,
    ) {
        let before = self.found.len();
        self.differ(node, one.size, other.size, Reason::Size);
        self.tags((here, None), (there, None), node);
        let fields = Fields::of(self.here.btf, one, &mut self.left).zip(Fields::of(
            self.there.btf,
            other,
            &mut self.left,
        ));
        let Some((ours, theirs)) = fields else {
            return self.say(node, Reason::TooMuch);
        };
        let mut rest = by_name(theirs.list.into_iter().map(|field| (field.name, field)));
        for field in ours.list {
            let known = next(&mut rest, field.name);
            let ty = known.map_or(TypeId::VOID, |known| known.ty);
            let node = self.node(node, Turn::Member(field.name), (field.ty, ty));
            let Some(known) = known else {
                self.say(node, Reason::Exists(true, false));
                continue;
            };
            self.differ(node, field.bit_offset, known.bit_offset, Reason::Offset);
            self.differ(node, field.width, known.width, Reason::Width);
            if field.number.is_some() && known.number.is_some() {
                self.tags((here, field.number), (there, known.number), node);
            }
            self.enqueue(node, behind);
        }
        let mut left: Vec<Field<'a>> = rest.into_values().flatten().collect();
        left.sort_by_key(|field| (field.bit_offset, field.name));
        for field in left {
            let turn = Turn::Member(field.name);
            let node = self.node(node, turn, (TypeId::VOID, field.ty));
            self.say(node, Reason::Exists(false, true));
        }
        if self.found.len() == before && ours.groups != theirs.groups {
            self.say(node, Reason::Grouping);
        }
    }

    fn sections(&mut self, one: List<'a, SecVar>, other: List<'a, SecVar>, node: usize) {
        let (here, there) = (self.here.btf, self.there.btf);
        let name = |btf: &'a Btf, var: SecVar| btf.get(var.ty).map_or("", |ty| ty.name());
        let work = one.len() + other.len();
        if self.spend(u32::try_from(work).unwrap_or(u32::MAX)).is_none() {
            return;
        }
        let mut rest = by_name(other.iter().map(|var| (name(there, var), var)));
        for var in one {
            let known = next(&mut rest, name(here, var));
            let ty = known.map_or(TypeId::VOID, |known| known.ty);
            let node = self.node(node, Turn::Variable(name(here, var)), (var.ty, ty));
            let Some(known) = known else {
                self.say(node, Reason::Exists(true, false));
                continue;
            };
            self.differ(
                node,
                var.offset.saturating_mul(8),
                known.offset.saturating_mul(8),
                Reason::Offset,
            );
            self.differ(node, var.size, known.size, Reason::Size);
            self.enqueue(node, false);
        }
        for var in other {
            if next(&mut rest, name(there, var)).is_some() {
                let turn = Turn::Variable(name(there, var));
                let node = self.node(node, turn, (TypeId::VOID, var.ty));
                self.say(node, Reason::Exists(false, true));
            }
        }
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

/// A last parameter without name and type stands for `...`.
fn is_variadic(params: List<'_, Param<'_>>) -> bool {
    let last = params.len().checked_sub(1).and_then(|last| params.get(last));
    last.is_some_and(|last| last.ty == TypeId::VOID && last.name.is_empty())
}
