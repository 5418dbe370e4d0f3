//! The constants of two files: values of enums that have no name and that nothing refers to, so that
//! C knows nothing of them but the names of their values.

use std::collections::{BTreeMap, BTreeSet};

use super::files::{Change, Diff, Entry, What};
use super::{Difference, Reason};
use crate::Btf;
use crate::record::references;
use crate::types::{Type, TypeId};

/// One name on one side: its values, and the first enum that has it.
#[derive(Debug, Default)]
struct Side {
    values: BTreeSet<i64>,
    first: Option<TypeId>,
}

/// A name on both sides, and whether it is a constant on one of them: there may be an enum with a
/// name around it on the other, which makes no difference to who uses it.
#[derive(Debug, Default)]
struct Constant {
    sides: [Side; 2],
    counts: bool,
}

impl Diff {
    /// Adds what differs in the constants of types beyond those that both files share.
    pub(super) fn add_constants(
        &mut self,
        sides: [&Btf; 2],
        shared: u32,
        wanted: impl Fn(&str) -> bool,
    ) {
        let mut constants = BTreeMap::<&str, Constant>::new();
        for (side, btf) in sides.into_iter().enumerate() {
            let own = || (shared + 1..=btf.len() as u32).map(TypeId);
            let mut is_used = vec![false; btf.len() + 1];
            for record in own().filter_map(|id| btf.whole_record(id)) {
                references(record).for_each(|id| is_used[id as usize] = true);
            }
            for id in own() {
                let Some(Type::Enum(found) | Type::Enum64(found)) = btf.get(id) else { continue };
                let counts = found.name.is_empty() && !is_used[id.0 as usize];
                for value in found.values.iter().filter(|value| wanted(value.name)) {
                    let constant = constants.entry(value.name).or_default();
                    constant.counts |= counts;
                    constant.sides[side].values.insert(value.value);
                    constant.sides[side].first.get_or_insert(id);
                }
            }
        }
        for (name, constant) in constants.into_iter().filter(|(_, constant)| constant.counts) {
            self.add_constant(name, &constant.sides);
        }
    }

    fn add_constant(&mut self, name: &str, [here, there]: &[Side; 2]) {
        let (kind, name) = (What::Constant, name.to_owned());
        match (here.first, there.first) {
            (Some(_), Some(_)) if here.values == there.values => self.same += 1,
            (Some(one), Some(other)) => {
                let of = |one: &Side, other: &Side| {
                    one.values.difference(&other.values).next().or(one.values.first()).copied()
                };
                let (left, right) = (of(here, there), of(there, here));
                let reason = Reason::Value(left.unwrap_or(0), right.unwrap_or(0));
                let (here, there) = (String::new(), String::new());
                let differences = vec![Difference { path: Vec::new(), reason, here, there }];
                self.changed.push(Change { kind, name, here: one, there: other, differences });
            }
            (Some(id), None) => self.removed.push(Entry { kind, name, id }),
            (None, Some(id)) => self.added.push(Entry { kind, name, id }),
            (None, None) => {}
        }
    }
}
