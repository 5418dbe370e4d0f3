//! What types are made of, part by part: parameters, values, members, variables, tags. Parts are told
//! apart by their names, not by their places.

use std::collections::{HashMap, VecDeque};

use super::super::Reason;
use super::super::fields::{Field, Fields};
use super::{Turn, Walk};
use crate::Btf;
use crate::types::{Composite, Enumeration, List, Param, SecVar, Type, TypeId};

impl<'a> Walk<'a, '_> {
    pub(super) fn tags(
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

    pub(super) fn parameter_tags(
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

    pub(super) fn prototypes(
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

    pub(super) fn enums(&mut self, one: &Enumeration<'a>, other: &Enumeration<'a>, node: usize) {
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

    pub(super) fn composites(
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

    pub(super) fn sections(&mut self, one: List<'a, SecVar>, other: List<'a, SecVar>, node: usize) {
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

/// A last parameter without name and type stands for `...`.
fn is_variadic(params: List<'_, Param<'_>>) -> bool {
    let last = params.len().checked_sub(1).and_then(|last| params.get(last));
    last.is_some_and(|last| last.ty == TypeId::VOID && last.name.is_empty())
}
