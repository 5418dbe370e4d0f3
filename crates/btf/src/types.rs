//! The 19 kinds of types as views into the table that was read. Makes no decision about validity.

use std::fmt;
use std::marker::PhantomData;

use crate::Btf;

/// The number of a type within its BTF; 0 is `void`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeId(pub u32);

impl TypeId {
    /// `void`, which has no record of its own.
    pub const VOID: TypeId = TypeId(0);
}

impl fmt::Display for TypeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}]", self.0)
    }
}

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $name:ident = $number:literal),+ $(,)?) => {
        /// The kind of a type.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $($(#[doc = $doc])+ $name = $number),+
        }

        impl Kind {
            /// All of them, by number.
            pub const ALL: &'static [Kind] = &[$(Kind::$name),+];

            /// The kind with this number.
            pub fn from_number(number: u32) -> Option<Kind> {
                match number {
                    $($number => Some(Kind::$name),)+
                    _ => None,
                }
            }
        }
    };
}

kinds! {
    /// An integer, a character or a truth value.
    Int = 1,
    /// A pointer.
    Ptr = 2,
    /// An array.
    Array = 3,
    /// A struct.
    Struct = 4,
    /// A union.
    Union = 5,
    /// An enum whose values fit 32 bits.
    Enum = 6,
    /// A struct or union that is only declared.
    Fwd = 7,
    /// A typedef.
    Typedef = 8,
    /// `volatile`.
    Volatile = 9,
    /// `const`.
    Const = 10,
    /// `restrict`.
    Restrict = 11,
    /// A function.
    Func = 12,
    /// A function's prototype.
    FuncProto = 13,
    /// A global variable.
    Var = 14,
    /// A section with variables.
    DataSec = 15,
    /// A floating-point number.
    Float = 16,
    /// A tag on a declaration.
    DeclTag = 17,
    /// A tag on a pointed-to type.
    TypeTag = 18,
    /// An enum with 64-bit values.
    Enum64 = 19,
}

/// Where a function or a variable can be seen from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Linkage {
    /// In its own file only.
    Static,
    /// Everywhere, and it is defined here.
    Global,
    /// It is defined elsewhere.
    Extern,
}

impl Linkage {
    /// The number that BTF uses.
    pub(crate) fn number(self) -> u32 {
        match self {
            Linkage::Static => 0,
            Linkage::Global => 1,
            Linkage::Extern => 2,
        }
    }

    /// From the number that BTF uses; unknown ones count as global.
    pub(crate) fn from_number(number: u32) -> Linkage {
        match number {
            0 => Linkage::Static,
            2 => Linkage::Extern,
            _ => Linkage::Global,
        }
    }
}

/// One type. Names are empty where the type has none.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs, reason = "the fields are those of BTF, named as in its documentation")]
pub enum Type<'a> {
    /// An integer: `bits` of its `size` bytes count, from bit `offset` on.
    Int {
        name: &'a str,
        size: u32,
        bits: u32,
        offset: u32,
        signed: bool,
        is_char: bool,
        is_bool: bool,
    },
    /// A pointer.
    Ptr { to: TypeId },
    /// An array of `len` elements.
    Array { elem: TypeId, index: TypeId, len: u32 },
    /// A struct.
    Struct(Composite<'a>),
    /// A union.
    Union(Composite<'a>),
    /// An enum.
    Enum(Enumeration<'a>),
    /// An enum with 64-bit values.
    Enum64(Enumeration<'a>),
    /// A struct or union that is only declared.
    Fwd { name: &'a str, is_union: bool },
    /// A typedef.
    Typedef { name: &'a str, to: TypeId },
    /// `volatile`.
    Volatile { to: TypeId },
    /// `const`.
    Const { to: TypeId },
    /// `restrict`.
    Restrict { to: TypeId },
    /// A function; `proto` is a [`Type::FuncProto`].
    Func { name: &'a str, proto: TypeId, linkage: Linkage },
    /// A prototype. A last parameter without name and type stands for `...`.
    FuncProto { ret: TypeId, params: List<'a, Param<'a>> },
    /// A global variable.
    Var { name: &'a str, ty: TypeId, linkage: Linkage },
    /// A section and what lies in it.
    DataSec { name: &'a str, size: u32, vars: List<'a, SecVar> },
    /// A floating-point number.
    Float { name: &'a str, size: u32 },
    /// A tag on `ty`, or on the member or parameter number `component` of it; `attribute` says that
    /// it is an attribute of the compiler rather than a `btf_decl_tag`.
    DeclTag { name: &'a str, ty: TypeId, component: Option<u32>, attribute: bool },
    /// A tag on what a pointer points to; `attribute` as in [`Type::DeclTag`].
    TypeTag { name: &'a str, to: TypeId, attribute: bool },
}

impl<'a> Type<'a> {
    /// Its kind.
    pub fn kind(&self) -> Kind {
        match self {
            Type::Int { .. } => Kind::Int,
            Type::Ptr { .. } => Kind::Ptr,
            Type::Array { .. } => Kind::Array,
            Type::Struct(_) => Kind::Struct,
            Type::Union(_) => Kind::Union,
            Type::Enum(_) => Kind::Enum,
            Type::Enum64(_) => Kind::Enum64,
            Type::Fwd { .. } => Kind::Fwd,
            Type::Typedef { .. } => Kind::Typedef,
            Type::Volatile { .. } => Kind::Volatile,
            Type::Const { .. } => Kind::Const,
            Type::Restrict { .. } => Kind::Restrict,
            Type::Func { .. } => Kind::Func,
            Type::FuncProto { .. } => Kind::FuncProto,
            Type::Var { .. } => Kind::Var,
            Type::DataSec { .. } => Kind::DataSec,
            Type::Float { .. } => Kind::Float,
            Type::DeclTag { .. } => Kind::DeclTag,
            Type::TypeTag { .. } => Kind::TypeTag,
        }
    }

    /// Its name; empty for anonymous types and for kinds without one.
    pub fn name(&self) -> &'a str {
        match *self {
            Type::Int { name, .. }
            | Type::Fwd { name, .. }
            | Type::Typedef { name, .. }
            | Type::Func { name, .. }
            | Type::Var { name, .. }
            | Type::DataSec { name, .. }
            | Type::Float { name, .. }
            | Type::DeclTag { name, .. }
            | Type::TypeTag { name, .. } => name,
            Type::Struct(composite) | Type::Union(composite) => composite.name,
            Type::Enum(enumeration) | Type::Enum64(enumeration) => enumeration.name,
            Type::Ptr { .. }
            | Type::Array { .. }
            | Type::Volatile { .. }
            | Type::Const { .. }
            | Type::Restrict { .. }
            | Type::FuncProto { .. } => "",
        }
    }
}

/// A struct or a union.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Composite<'a> {
    /// Its tag; may be empty.
    pub name: &'a str,
    /// Its size in bytes.
    pub size: u32,
    /// Its members, in their order.
    pub members: List<'a, Member<'a>>,
}

/// An enum.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Enumeration<'a> {
    /// Its tag; may be empty.
    pub name: &'a str,
    /// Its size in bytes.
    pub size: u32,
    /// Whether its values are signed.
    pub signed: bool,
    /// Its values, in their order.
    pub values: List<'a, EnumValue<'a>>,
}

/// A member of a struct or union.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member<'a> {
    /// Its name; empty for an anonymous struct or union.
    pub name: &'a str,
    /// Its type.
    pub ty: TypeId,
    /// Where it begins, in bits from the start of the struct.
    pub bit_offset: u32,
    /// Its size in bits if it is a bit field, else 0.
    pub bitfield_size: u32,
}

/// A value of an enum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EnumValue<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its value; of an unsigned 64-bit enum the same bits as a signed number.
    pub value: i64,
}

/// A parameter of a prototype.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Param<'a> {
    /// Its name; may be empty.
    pub name: &'a str,
    /// Its type.
    pub ty: TypeId,
}

/// What lies in a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecVar {
    /// A [`Type::Var`] or a [`Type::Func`].
    pub ty: TypeId,
    /// Where in the section; compilers leave 0, linkers fill it in.
    pub offset: u32,
    /// Its size in bytes.
    pub size: u32,
}

/// How an element of a [`List`] is made of the words of the file. For the lists of this crate.
pub trait Record<'a>: Sized {
    /// Made from its words; `flag` is the type's kind flag.
    #[doc(hidden)]
    fn read(btf: &'a Btf, words: &[u32], flag: bool) -> Self;
}

/// Members, values, parameters or variables of a type: a view that can be iterated many times.
pub struct List<'a, T> {
    pub(crate) btf: &'a Btf,
    pub(crate) words: &'a [u32],
    pub(crate) width: usize,
    pub(crate) flag: bool,
    element: PhantomData<fn() -> T>,
}

impl<'a, T: Record<'a>> List<'a, T> {
    /// Elements of `width` words each.
    pub(crate) fn new(btf: &'a Btf, words: &'a [u32], width: usize, flag: bool) -> Self {
        List { btf, words, width, flag, element: PhantomData }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.words.len() / self.width
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// The one at `index`.
    pub fn get(&self, index: usize) -> Option<T> {
        let start = index.checked_mul(self.width)?;
        let words = self.words.get(start..start.checked_add(self.width)?)?;
        Some(T::read(self.btf, words, self.flag))
    }

    /// One after the other.
    pub fn iter(&self) -> ListIter<'a, T> {
        ListIter { list: *self, chunks: self.words.chunks_exact(self.width) }
    }
}

impl<T> Clone for List<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for List<'_, T> {}

impl<'a, T: Record<'a> + fmt::Debug> fmt::Debug for List<'a, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<'a, T: Record<'a> + PartialEq> PartialEq for List<'a, T> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<'a, T: Record<'a>> IntoIterator for List<'a, T> {
    type Item = T;
    type IntoIter = ListIter<'a, T>;

    fn into_iter(self) -> ListIter<'a, T> {
        self.iter()
    }
}

/// Iterates over a [`List`].
pub struct ListIter<'a, T> {
    list: List<'a, T>,
    chunks: std::slice::ChunksExact<'a, u32>,
}

impl<T> fmt::Debug for ListIter<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListIter").finish_non_exhaustive()
    }
}

impl<'a, T: Record<'a>> Iterator for ListIter<'a, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        let words = self.chunks.next()?;
        Some(T::read(self.list.btf, words, self.list.flag))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.chunks.size_hint()
    }
}

impl<'a, T: Record<'a>> ExactSizeIterator for ListIter<'a, T> {}
