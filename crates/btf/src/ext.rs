//! `.BTF.ext`: which instruction belongs to which function, source line and CO-RE access.
//!
//! Keeps the records as they are, per section of code; applies none of them.

use crate::parse::{Header, word};
use crate::types::TypeId;
use crate::{Btf, BtfError, ByteOrder, check};

/// The records of one kind for one section of code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section<T> {
    /// The name of the section.
    pub name: String,
    /// Its records, in the order of the file.
    pub records: Vec<T>,
}

/// The function that begins at an instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FuncInfo {
    /// Bytes from the start of the section.
    pub insn_off: u32,
    /// Its [`crate::Type::Func`].
    pub ty: TypeId,
}

/// The source line that an instruction comes from. Names are offsets in the string table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineInfo {
    /// Bytes from the start of the section.
    pub insn_off: u32,
    /// The name of the file.
    pub file: u32,
    /// The text of the line.
    pub text: u32,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1; 0 when it is not known.
    pub column: u32,
}

/// An instruction that depends on the layout of a type of the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CoreRelo {
    /// Bytes from the start of the section.
    pub insn_off: u32,
    /// The type that is accessed.
    pub ty: TypeId,
    /// How, as an offset in the string table: member numbers with `:` between them.
    pub access: u32,
    /// What the instruction wants to know.
    pub kind: CoreKind,
}

macro_rules! core_kinds {
    ($($(#[doc = $doc:literal])+ $name:ident = $number:literal),+ $(,)?) => {
        /// What a CO-RE relocation asks for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum CoreKind {
            $($(#[doc = $doc])+ $name = $number),+
        }

        impl CoreKind {
            fn from_number(number: u32) -> Option<CoreKind> {
                match number {
                    $($number => Some(CoreKind::$name),)+
                    _ => None,
                }
            }
        }
    };
}

core_kinds! {
    /// The byte offset of a field.
    FieldByteOffset = 0,
    /// The size of a field in bytes.
    FieldByteSize = 1,
    /// Whether a field exists.
    FieldExists = 2,
    /// Whether a field is signed.
    FieldSigned = 3,
    /// How far to shift a bit field left.
    FieldLeftShift = 4,
    /// How far to shift a bit field right.
    FieldRightShift = 5,
    /// The id of a type in the object.
    TypeIdLocal = 6,
    /// The id of a type on the host.
    TypeIdTarget = 7,
    /// Whether a type exists.
    TypeExists = 8,
    /// The size of a type.
    TypeSize = 9,
    /// Whether a value of an enum exists.
    EnumValueExists = 10,
    /// The value of a name of an enum.
    EnumValue = 11,
    /// Whether a type exists and looks the same.
    TypeMatches = 12,
}

/// Everything of a `.BTF.ext` section.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BtfExt {
    /// Where functions begin.
    pub functions: Vec<Section<FuncInfo>>,
    /// Where source lines begin.
    pub lines: Vec<Section<LineInfo>>,
    /// CO-RE relocations.
    pub core: Vec<Section<CoreRelo>>,
}

impl BtfExt {
    /// Reads and checks the bytes of a `.BTF.ext` section that belongs to `btf`.
    ///
    /// # Errors
    /// Says which table is malformed, and how.
    pub fn parse(bytes: &[u8], btf: &Btf) -> Result<BtfExt, BtfError> {
        let header = Header::read(bytes, 24)?;
        let order = header.order;
        let string = |what, offset: u32| match btf.string(offset) {
            Some(_) => Ok(offset),
            None => Err(BtfError::String { id: None, what, offset }),
        };
        let type_id =
            |what, target: u32| check::type_id(btf, None, what, target).map(|()| TypeId(target));
        let functions = Table::new(
            "functions",
            header.part(bytes, 8, "the function table")?,
            order,
        )
        .sections(btf, 8, |[insn_off, ty, _, _]| {
            Ok(FuncInfo { insn_off, ty: type_id("a function record", ty)? })
        })?;
        let lines = Table::new("lines", header.part(bytes, 16, "the line table")?, order)
            .sections(btf, 16, |[insn_off, file, text, line]| {
                Ok(LineInfo {
                    insn_off,
                    file: string("the file of a line", file)?,
                    text: string("the text of a line", text)?,
                    line: line >> 10,
                    column: line & 0x3ff,
                })
            })?;
        // Headers from before CO-RE are shorter.
        let core = if header.len >= 32 { header.part(bytes, 24, "the CO-RE table")? } else { &[] };
        let core = Table::new("CO-RE", core, order).sections(
            btf,
            16,
            |[insn_off, ty, access, kind]| {
                let kind = CoreKind::from_number(kind).ok_or(BtfError::Ext {
                    table: "CO-RE",
                    what: "unknown kind of relocation",
                    value: kind,
                })?;
                Ok(CoreRelo {
                    insn_off,
                    ty: type_id("a CO-RE record", ty)?,
                    access: string("the access of a CO-RE record", access)?,
                    kind,
                })
            },
        )?;
        Ok(BtfExt { functions, lines, core })
    }
}

/// One table: the record size, then per section its name, a count and the records.
struct Table<'a> {
    name: &'static str,
    bytes: &'a [u8],
    order: ByteOrder,
}

impl<'a> Table<'a> {
    fn new(name: &'static str, bytes: &'a [u8], order: ByteOrder) -> Self {
        Table { name, bytes, order }
    }

    fn error(&self, what: &'static str, value: u32) -> BtfError {
        BtfError::Ext { table: self.name, what, value }
    }

    /// `make` gets the first four words of each record (those beyond the record's size are 0).
    fn sections<T>(
        &self,
        btf: &Btf,
        least: u32,
        make: impl Fn([u32; 4]) -> Result<T, BtfError>,
    ) -> Result<Vec<Section<T>>, BtfError> {
        let mut sections = Vec::new();
        if self.bytes.is_empty() {
            return Ok(sections);
        }
        let field = |at| word(self.bytes, at, self.order);
        let record = field(0).ok_or_else(|| self.error("no room for a record size", 0))?;
        // Larger records are of a newer format; what is added at their end may be left out.
        if record < least || record % 4 != 0 {
            return Err(self.error("impossible record size", record));
        }
        let mut at = 4;
        while at < self.bytes.len() {
            let (Some(name), Some(count)) = (field(at), field(at + 4)) else {
                return Err(self.error("a section is cut short at byte", at as u32));
            };
            let Some(section) = btf.string(name) else {
                let what = "the name of a section of code";
                return Err(BtfError::String { id: None, what, offset: name });
            };
            at += 8;
            let end =
                (record as usize).checked_mul(count as usize).and_then(|len| len.checked_add(at));
            let Some(body) = end.and_then(|end| self.bytes.get(at..end)) else {
                return Err(self.error("more records than there is room for", count));
            };
            at += body.len();
            let mut records = Vec::with_capacity(count as usize);
            for bytes in body.chunks_exact(record as usize) {
                let mut words = [0; 4];
                for (word, chunk) in words.iter_mut().zip(bytes.as_chunks::<4>().0) {
                    *word = self.order.u32(*chunk);
                }
                records.push(make(words)?);
            }
            sections.push(Section { name: section.to_owned(), records });
        }
        Ok(sections)
    }
}
