//! Checks every reference and name, so that nobody else has to. Changes nothing, follows nothing.

use crate::parse::{count_of, extra_words};
use crate::record::{Field, field, references};
use crate::scan::Most;
use crate::types::{Kind, TypeId};
use crate::{Btf, BtfError};

/// Refuses names and references to what does not exist. A base was checked before.
pub(crate) fn check(btf: &Btf, most: Most) -> Result<(), BtfError> {
    base(btf)?;
    // In text that is all ASCII a name may begin anywhere; other text, and names of a base, must be
    // looked at one by one. So must all, to find which is wrong.
    let names_fit = btf.base.is_none() && btf.strings.is_ascii();
    if names_fit && (most.name as usize) < btf.strings.len() && most.target as usize <= btf.len() {
        return Ok(());
    }
    btf.own_ids().try_for_each(|id| record(btf, id))
}

/// What can be seen of a base that this was not made over, and numbers that 32 bits cannot hold.
fn base(btf: &Btf) -> Result<(), BtfError> {
    let wrong = |why| Err(BtfError::Base { id: None, why });
    let Some(base) = &btf.base else { return Ok(()) };
    if base.btf.order != btf.order {
        return wrong("its byte order is another");
    }
    let text = u64::from(base.text) + btf.strings.len() as u64;
    let types = u64::from(base.types) + btf.starts.len() as u64;
    if text.max(types) > u64::from(u32::MAX) {
        return wrong("it is too large to go on from");
    }
    Ok(())
}

/// Whether a string can begin at this offset. In a base every name is a whole string, since split
/// BTF is only made by looking names up there: one that begins inside another is of another base.
fn text(btf: &Btf, id: TypeId, what: &'static str, offset: u32) -> Result<(), BtfError> {
    let Some(own) = offset.checked_sub(btf.text_below()) else {
        let Some(base) = btf.base() else { return Ok(()) };
        let below = base.text_below();
        let is_start = match offset.checked_sub(below) {
            Some(0) => true,
            Some(own) => base.strings.as_bytes().get(own as usize - 1) == Some(&0),
            None => return text(base, id, what, offset),
        };
        let why = "a name begins inside one of its names";
        return if is_start { Ok(()) } else { Err(BtfError::Base { id: Some(id), why }) };
    };
    let own = own as usize;
    if own < btf.strings.len() && btf.strings.is_char_boundary(own) {
        return Ok(());
    }
    Err(BtfError::String { id: Some(id), what, offset })
}

/// The fields of one record: that what they name exists.
fn record(btf: &Btf, id: TypeId) -> Result<(), BtfError> {
    let Some((words, kind)) = btf.head(id) else { return Ok(()) };
    let words = &words[..3 + extra_words(kind, count_of(words[1]))];
    for (index, word) in words.iter().enumerate() {
        match field(words[1], index) {
            Field::Name => text(btf, id, name_of(kind, index), *word)?,
            Field::Type => type_id(btf, Some(id), target_of(kind, index), *word)?,
            Field::Plain => {}
        }
    }
    Ok(())
}

/// What the name at a place of a record is of.
fn name_of(kind: Kind, index: usize) -> &'static str {
    match kind {
        _ if index == 0 => "the name",
        Kind::Struct | Kind::Union => "the name of a member",
        Kind::FuncProto => "the name of a parameter",
        _ => "the name of a value",
    }
}

/// What it is that refers to another type at a place of a record.
fn target_of(kind: Kind, index: usize) -> &'static str {
    match kind {
        Kind::Func => "the prototype",
        Kind::FuncProto if index == 2 => "the result",
        Kind::FuncProto => "a parameter",
        Kind::Array if index == 3 => "the element",
        Kind::Array => "the index",
        Kind::Struct | Kind::Union => "a member",
        Kind::DataSec => "a variable",
        _ => "it",
    }
}

impl Btf {
    /// Refuses references to functions, variables, sections and tags by what is no section and no tag:
    /// a pointer to a section means nothing, and the kernel does not take it. [`Btf::parse`] lets it
    /// pass, since to look would cost as much as all the rest of it.
    ///
    /// # Errors
    /// [`BtfError::Reference`] with the first of them.
    pub fn check_targets(&self) -> Result<(), BtfError> {
        for id in self.own_ids() {
            let Some((words, kind)) = self.head(id) else { continue };
            for target in references(&words[..3 + extra_words(kind, count_of(words[1]))]) {
                let fits = match (kind, self.head(TypeId(target)).map(|(_, kind)| kind)) {
                    (Kind::DataSec | Kind::DeclTag, Some(Kind::Func | Kind::Var)) => true,
                    (_, Some(Kind::Func | Kind::Var | Kind::DataSec | Kind::DeclTag)) => false,
                    _ => true,
                };
                if !fits {
                    let (what, expected) = ("what it refers to", "a type");
                    return Err(BtfError::Reference { id, what, target, expected });
                }
            }
        }
        Ok(())
    }
}

/// Whether a type exists.
pub(crate) fn type_id(
    btf: &Btf,
    id: Option<TypeId>,
    what: &'static str,
    target: u32,
) -> Result<(), BtfError> {
    if target as usize <= btf.len() {
        return Ok(());
    }
    Err(BtfError::TypeId { id, what, target, last: btf.len() as u32 })
}
