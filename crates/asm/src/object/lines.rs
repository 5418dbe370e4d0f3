//! `.file` and `.loc`: source lines, kept for the caller and written as `.debug_line`.
//!
//! The table is DWARF 5 (or 4, without a file 0), laid out as LLVM's assembler does.

use std::collections::BTreeMap;

use abide_diag::{Diagnostic, Span};

use crate::codes;
use crate::object::SourceLine;
use crate::object::section::{ALLOC, EXEC, Fixup, MERGE, Need, STRINGS, Wanted};
use crate::object::symbols::{Meaning, Origin, Place, SymbolId};
use crate::object::unit::Unit;
use crate::token::{Tok, Token};

/// The most files that a text may number.
const MOST_FILES: u64 = 1 << 20;

#[derive(Debug, Default)]
struct File {
    directory: String,
    name: String,
    md5: Option<[u8; 16]>,
}

/// A `.loc`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Location {
    file: u32,
    line: u32,
    column: u32,
    is_statement: bool,
    prologue_end: bool,
    epilogue_begin: bool,
    basic_block: bool,
    isa: u32,
    discriminator: u32,
}

#[derive(Debug, Default)]
pub(super) struct Lines {
    files: BTreeMap<u32, File>,
    /// A `.loc` that holds from the next instruction on.
    pub(super) waiting: Option<Location>,
    rows: Vec<(Place, Location)>,
    statement: Option<bool>,
}

impl Unit<'_> {
    /// `.file "name"`, `.file 1 "directory" "name" md5 0x…`.
    pub(super) fn file(&mut self, text: &str, tokens: &[Token], name: &Span) {
        let strings: Vec<String> = tokens
            .iter()
            .filter(|token| token.tok == Tok::Text)
            .filter_map(|token| self.string(text, *token))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .collect();
        let number = match tokens.first().map(|token| token.tok) {
            Some(Tok::Text) => {
                self.file = strings.into_iter().next();
                return;
            }
            Some(Tok::Number(number)) if number < MOST_FILES && !strings.is_empty() => {
                number as u32
            }
            _ => {
                self.error(
                    Diagnostic::error(&codes::EXPECTED, "expected the name of a file in quotes")
                        .at(name.clone(), ""),
                );
                return;
            }
        };
        let md5 = tokens.windows(2).find_map(|two| {
            let digits = text[two[1].span()].strip_prefix("0x")?;
            (&text[two[0].span()] == "md5").then(|| u128::from_str_radix(digits, 16).ok())?
        });
        let mut strings = strings.into_iter();
        let (first, second) = (strings.next().unwrap_or_default(), strings.next());
        let (directory, name) = match second {
            Some(name) => (first, name),
            None => (String::new(), first),
        };
        let md5 = md5.map(u128::to_be_bytes);
        self.lines.files.insert(number, File { directory, name, md5 });
    }

    /// `.loc FILE LINE COLUMN …`
    pub(super) fn loc(&mut self, text: &str, tokens: &[Token], name: &Span) {
        let mut numbers = [0u32; 3];
        let mut at = 0;
        while let (Some(slot), Some(Token { tok: Tok::Number(number), .. })) =
            (numbers.get_mut(at), tokens.get(at))
        {
            match u32::try_from(*number) {
                Ok(number) => *slot = number,
                Err(_) => break,
            }
            at += 1;
        }
        let mut location = Location {
            file: numbers[0],
            line: numbers[1],
            column: numbers[2],
            is_statement: self.lines.statement.unwrap_or(true),
            prologue_end: false,
            epilogue_begin: false,
            basic_block: false,
            isa: 0,
            discriminator: 0,
        };
        let known = self.lines.files.contains_key(&location.file);
        let mut wrong = at < 2;
        while let Some(token) = tokens.get(at) {
            let number = match tokens.get(at + 1).map(|token| token.tok) {
                Some(Tok::Number(number)) => u32::try_from(number).ok(),
                _ => None,
            };
            at += 1;
            match (&text[token.span()], number) {
                ("prologue_end", _) => location.prologue_end = true,
                ("epilogue_begin", _) => location.epilogue_begin = true,
                ("basic_block", _) => location.basic_block = true,
                ("is_stmt", Some(number)) => location.is_statement = number != 0,
                ("isa", Some(number)) => location.isa = number,
                ("discriminator", Some(number)) => location.discriminator = number,
                // A view numbers the row for GNU's debugger; it has no bytes in the table.
                ("view", _) => break,
                _ => wrong = true,
            }
            at += usize::from(number.is_some());
        }
        if wrong || !known {
            let message = match known {
                false if !wrong => format!("no `.file {}` says which file this is", location.file),
                _ => "expected a file, a line and a column, and what is said of them".to_owned(),
            };
            let span = tokens.last().map_or(name.clone(), |last| name.start..last.end as usize);
            self.error(Diagnostic::error(&codes::EXPECTED, message).at(span, ""));
            return;
        }
        self.lines.statement = Some(location.is_statement);
        if self.lines.waiting.is_some() {
            self.mark_line();
        }
        self.lines.waiting = Some(location);
    }

    /// The waiting `.loc` holds from here on.
    pub(super) fn mark_line(&mut self) {
        if let Some(location) = self.lines.waiting.take() {
            let place = self.place_here();
            self.lines.rows.push((place, location));
        }
    }

    /// The lines, for the caller.
    pub(super) fn source_lines(&self) -> Vec<SourceLine> {
        let mut rows: Vec<&(Place, Location)> = self.lines.rows.iter().collect();
        rows.sort_by_key(|(place, _)| (place.section, self.offset(*place)));
        rows.into_iter()
            .map(|(place, location)| {
                let file = self.lines.files.get(&location.file);
                let file = file.map_or_else(String::new, |file| {
                    if file.directory.is_empty() || file.name.starts_with('/') {
                        file.name.clone()
                    } else {
                        format!("{}/{}", file.directory, file.name)
                    }
                });
                SourceLine {
                    section: self.sections[place.section as usize].name.clone(),
                    offset: self.offset(*place),
                    file,
                    line: location.line,
                    column: location.column,
                }
            })
            .collect()
    }

    fn debug_section(&mut self, name: &str, strings: bool) -> u32 {
        let at = self.usual_section(name);
        let section = &mut self.sections[at as usize];
        if strings && section.data.is_empty() {
            (section.flags, section.entry_size) = (MERGE | STRINGS, 1);
        }
        at
    }

    /// Writes `.debug_line`, if the text says of any code where it comes from.
    pub(super) fn emit_lines(&mut self) {
        if self.lines.rows.is_empty() {
            return;
        }
        let version: u16 = if self.lines.files.contains_key(&0) { 5 } else { 4 };
        let table = self.debug_section(".debug_line", false);
        let strings = match version {
            5 => Some(self.debug_section(".debug_line_str", true)),
            _ => None,
        };
        self.section = table;
        let mut out =
            Table { start: self.place_here().fixed, bytes: Vec::new(), fixups: Vec::new() };
        self.header(&mut out, version, strings);
        self.programs(&mut out);
        let big = self.options.endian == abide_isa::Endian::Big;
        let length = (out.bytes.len() - 4) as u32;
        let bytes = if big { length.to_be_bytes() } else { length.to_le_bytes() };
        out.bytes[..4].copy_from_slice(&bytes);
        let section = &mut self.sections[table as usize];
        section.data.extend_from_slice(&out.bytes);
        let parts = section.parts.len() as u32;
        section.fixups.extend(out.fixups.into_iter().map(|(at, need, symbol, addend)| Fixup {
            fixed: out.start + at,
            parts,
            need,
            wanted: Wanted::Symbol(symbol, addend),
            origin: Origin::default(),
            far: false,
        }));
    }

    fn number16(&self, number: u16) -> [u8; 2] {
        match self.options.endian {
            abide_isa::Endian::Big => number.to_be_bytes(),
            abide_isa::Endian::Little => number.to_le_bytes(),
        }
    }

    fn header(&mut self, out: &mut Table, version: u16, strings: Option<u32>) {
        out.bytes.extend_from_slice(&[0; 4]);
        out.bytes.extend_from_slice(&self.number16(version));
        if version == 5 {
            // Size of an address, of a segment selector.
            out.bytes.extend_from_slice(&[8, 0]);
        }
        let length_at = out.bytes.len();
        out.bytes.extend_from_slice(&[0; 4]);
        // Bytes of the smallest instruction, operations in one, the default of `is_stmt`, the
        // smallest line advance and how many of a special opcode, the first special opcode.
        out.bytes.extend_from_slice(&[
            8,
            1,
            1,
            LINE_BASE as u8,
            LINE_RANGE as u8,
            OPCODE_BASE as u8,
        ]);
        out.bytes.extend_from_slice(&[0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1]);
        let files = std::mem::take(&mut self.lines.files);
        let root = files.get(&0).map_or("", |file| file.directory.as_str());
        let mut directories = vec![root];
        for file in files.values() {
            if !directories.contains(&file.directory.as_str()) && !file.directory.is_empty() {
                directories.push(&file.directory);
            }
        }
        let directory = |file: &File| {
            let found = directories.iter().position(|known| *known == file.directory);
            found.unwrap_or(0) as u64
        };
        if let Some(strings) = strings {
            let base = self.label_at(strings, 0);
            let mut known: BTreeMap<&str, u64> = BTreeMap::new();
            let data = &mut self.sections[strings as usize].data;
            let mut refer = |out: &mut Table, text| {
                let offset = *known.entry(text).or_insert_with(|| {
                    let offset = data.len() as u64;
                    data.extend_from_slice(text.as_bytes());
                    data.push(0);
                    offset
                });
                out.fixups.push((out.bytes.len() as u64, Need::Data(4), base, offset as i64));
                out.bytes.extend_from_slice(&[0; 4]);
            };
            // One field: the path (DW_LNCT_path) as DW_FORM_line_strp.
            out.bytes.extend_from_slice(&[1, 1, 0x1f]);
            unsigned(&mut out.bytes, directories.len() as u64);
            for text in &directories {
                refer(out, text);
            }
            let checked = files.values().all(|file| file.md5.is_some());
            // The path, the directory as DW_FORM_udata, and the MD5 as DW_FORM_data16 if all have.
            out.bytes.push(2 + u8::from(checked));
            out.bytes.extend_from_slice(&[1, 0x1f, 2, 0x0f]);
            if checked {
                out.bytes.extend_from_slice(&[5, 0x1e]);
            }
            let count = files.keys().next_back().map_or(0, |last| u64::from(*last) + 1);
            unsigned(&mut out.bytes, count);
            let nothing = File::default();
            for number in 0..count as u32 {
                let file = files.get(&number).unwrap_or(&nothing);
                refer(out, &file.name);
                unsigned(&mut out.bytes, directory(file));
                if let (true, Some(md5)) = (checked, file.md5) {
                    out.bytes.extend_from_slice(&md5);
                }
            }
        } else {
            for text in directories.iter().skip(1) {
                out.bytes.extend_from_slice(text.as_bytes());
                out.bytes.push(0);
            }
            out.bytes.push(0);
            for file in files.values() {
                out.bytes.extend_from_slice(file.name.as_bytes());
                out.bytes.push(0);
                unsigned(&mut out.bytes, directory(file));
                // Neither time nor size.
                out.bytes.extend_from_slice(&[0, 0]);
            }
            out.bytes.push(0);
        }
        self.lines.files = files;
        let length = (out.bytes.len() - length_at - 4) as u32;
        let bytes = match self.options.endian {
            abide_isa::Endian::Big => length.to_be_bytes(),
            abide_isa::Endian::Little => length.to_le_bytes(),
        };
        out.bytes[length_at..length_at + 4].copy_from_slice(&bytes);
    }

    fn label_at(&mut self, section: u32, fixed: u64) -> SymbolId {
        let symbol = self.symbols.nameless();
        let place = Place { section, parts: 0, fixed };
        self.symbols.get_mut(symbol).meaning = Meaning::Label(place);
        symbol
    }

    /// One sequence for each section with code.
    fn programs(&mut self, out: &mut Table) {
        let rows = std::mem::take(&mut self.lines.rows);
        let mut order: Vec<u32> = Vec::new();
        for (place, _) in &rows {
            if !order.contains(&place.section) {
                order.push(place.section);
            }
        }
        for section in order {
            let kind = &self.sections[section as usize];
            // With data of variable size among the code distances are not known yet; then the
            // lines are given to the caller only.
            if kind.flags & (ALLOC | EXEC) == 0 || !kind.parts.is_empty() {
                continue;
            }
            let end = Place { section, parts: 0, fixed: kind.fixed() };
            let end = self.offset(end);
            let mut machine = Machine::default();
            for (place, location) in rows.iter().filter(|(place, _)| place.section == section) {
                let label = match machine.address {
                    None => Some(self.label_at(section, place.fixed)),
                    Some(_) => None,
                };
                machine.row(out, self.offset(*place), location, label);
            }
            machine.end(out, end);
        }
        self.lines.rows = rows;
    }
}

struct Table {
    start: u64,
    bytes: Vec<u8>,
    /// Offset, what for, symbol, addend.
    fixups: Vec<(u64, Need, SymbolId, i64)>,
}

const LINE_BASE: i64 = -5;
const LINE_RANGE: u64 = 14;
const OPCODE_BASE: u64 = 13;

/// DWARF's line-number machine, on the writing side.
struct Machine {
    address: Option<u64>,
    file: u32,
    line: u32,
    column: u32,
    isa: u32,
    is_statement: bool,
}

impl Default for Machine {
    fn default() -> Self {
        Machine { address: None, file: 1, line: 1, column: 0, isa: 0, is_statement: true }
    }
}

impl Machine {
    fn row(&mut self, out: &mut Table, at: u64, location: &Location, label: Option<SymbolId>) {
        let bytes = &mut out.bytes;
        if location.file != self.file {
            bytes.push(4);
            unsigned(bytes, u64::from(location.file));
            self.file = location.file;
        }
        if location.column != self.column {
            bytes.push(5);
            unsigned(bytes, u64::from(location.column));
            self.column = location.column;
        }
        if location.discriminator != 0 {
            let mut operand = Vec::new();
            unsigned(&mut operand, u64::from(location.discriminator));
            bytes.push(0);
            unsigned(bytes, operand.len() as u64 + 1);
            bytes.push(4);
            bytes.extend_from_slice(&operand);
        }
        if location.isa != self.isa {
            bytes.push(12);
            unsigned(bytes, u64::from(location.isa));
            self.isa = location.isa;
        }
        if location.is_statement != self.is_statement {
            bytes.push(6);
            self.is_statement = location.is_statement;
        }
        for (set, opcode) in
            [(location.basic_block, 7), (location.prologue_end, 10), (location.epilogue_begin, 11)]
        {
            if set {
                bytes.push(opcode);
            }
        }
        let lines = i64::from(location.line) - i64::from(self.line);
        if let Some(label) = label {
            // DW_LNE_set_address, with an operand of eight bytes.
            bytes.extend_from_slice(&[0, 9, 2]);
            out.fixups.push((bytes.len() as u64, Need::Data(8), label, 0));
            bytes.extend_from_slice(&[0; 8]);
            advance(bytes, lines, 0);
        } else {
            advance(bytes, lines, (at - self.address.unwrap_or(at)) / 8);
        }
        self.line = location.line;
        self.address = Some(at);
    }

    fn end(&mut self, out: &mut Table, at: u64) {
        let by = (at - self.address.unwrap_or(at)) / 8;
        if by == (255 - OPCODE_BASE) / LINE_RANGE {
            out.bytes.push(8);
        } else if by != 0 {
            out.bytes.push(2);
            unsigned(&mut out.bytes, by);
        }
        out.bytes.extend_from_slice(&[0, 1, 1]);
    }
}

/// Advances line and address, and makes a row, in the fewest bytes.
fn advance(out: &mut Vec<u8>, lines: i64, by: u64) {
    let most = (255 - OPCODE_BASE) / LINE_RANGE;
    let mut offset = lines - LINE_BASE;
    let mut copy = false;
    let mut lines = lines;
    if offset < 0 || offset >= LINE_RANGE as i64 {
        out.push(3);
        signed(out, lines);
        (lines, offset, copy) = (0, -LINE_BASE, true);
    }
    if lines == 0 && by == 0 {
        out.push(1);
        return;
    }
    let base = offset as u64 + OPCODE_BASE;
    if by < 256 + most {
        let opcode = base + by * LINE_RANGE;
        if opcode <= 255 {
            out.push(opcode as u8);
            return;
        }
        if by >= most && base + (by - most) * LINE_RANGE <= 255 {
            out.push(8);
            out.push((base + (by - most) * LINE_RANGE) as u8);
            return;
        }
    }
    out.push(2);
    unsigned(out, by);
    out.push(if copy { 1 } else { base as u8 });
}

/// ULEB128.
pub(super) fn unsigned(out: &mut Vec<u8>, number: u64) {
    let mut number = number;
    loop {
        let byte = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            out.push(byte);
            return;
        }
        out.push(byte | 0x80);
    }
}

/// SLEB128.
pub(super) fn signed(out: &mut Vec<u8>, number: i64) {
    let mut number = number;
    loop {
        let byte = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 && byte & 0x40 == 0 || number == -1 && byte & 0x40 != 0 {
            out.push(byte);
            return;
        }
        out.push(byte | 0x80);
    }
}
