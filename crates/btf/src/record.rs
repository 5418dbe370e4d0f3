//! What the words of a type's record mean: which are names, which refer to types. One place for all
//! that copies, renumbers or compares records.

use crate::parse::{count_of, kind_of};
use crate::types::Kind;

/// What a word of a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    /// An offset in the string table.
    Name,
    /// A type id.
    Type,
    /// A number.
    Plain,
}

/// The meaning of the word at `index` of a record with this info word.
pub(crate) fn field(info: u32, index: usize) -> Field {
    let kind = kind_of(info);
    debug_assert!(index < 3 + crate::parse::extra_words(kind, count_of(info)));
    match (index, kind) {
        (0, _) => Field::Name,
        (1, _) => Field::Plain,
        (
            2,
            Kind::Ptr
            | Kind::Typedef
            | Kind::Volatile
            | Kind::Const
            | Kind::Restrict
            | Kind::Func
            | Kind::FuncProto
            | Kind::Var
            | Kind::DeclTag
            | Kind::TypeTag,
        ) => Field::Type,
        (2, _) => Field::Plain,
        (3 | 4, Kind::Array) => Field::Type,
        (_, Kind::Struct | Kind::Union) => match index % 3 {
            0 => Field::Name,
            1 => Field::Type,
            _ => Field::Plain,
        },
        (_, Kind::Enum) if index % 2 == 1 => Field::Name,
        (_, Kind::Enum64) if index.is_multiple_of(3) => Field::Name,
        (_, Kind::FuncProto) if index % 2 == 1 => Field::Name,
        (_, Kind::FuncProto) => Field::Type,
        (_, Kind::DataSec) if index.is_multiple_of(3) => Field::Type,
        _ => Field::Plain,
    }
}

/// The types that a record refers to.
pub(crate) fn references(record: &[u32]) -> impl Iterator<Item = u32> {
    let info = record.get(1).copied().unwrap_or(0);
    record
        .iter()
        .enumerate()
        .filter(move |(index, _)| field(info, *index) == Field::Type)
        .map(|(_, word)| *word)
}
