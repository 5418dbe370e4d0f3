//! Objects and raw streams as assembler source: what is listed can be assembled again.
//!
//! Code comes with labels, the symbols of its relocations and its source lines; data with its
//! symbols. Whatever assembly has no words for is mentioned in a comment, never dropped silently.
//! Nothing here gives programs or maps a meaning; any bytes are listed or refused, none panic.

mod code;
mod data;
mod error;
mod image;
mod lines;
mod names;
mod writer;

use std::borrow::Cow;
use std::collections::HashMap;
use std::io;

use abide_isa::Endian;
use object::elf;

use crate::dialect::Dialect;
use crate::object::{Style, style_of};
use crate::print::text;
use code::Code;
use image::{Image, Role, Section};
use names::Names;
use writer::Writer;

pub use error::ListError;

/// How to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// The dialect of the instructions.
    pub dialect: Dialect,
    /// Source lines as comments, where the object knows them.
    pub source: bool,
    /// For reading only: the number and bytes of each instruction before it, and neither directives
    /// for symbols nor type and debug information. Such a listing cannot be assembled.
    pub columns: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options { dialect: Dialect::C, source: true, columns: false }
    }
}

/// Lists an ELF object in either byte order.
///
/// # Errors
/// If the bytes are no BPF object, or one whose tables are damaged.
pub fn list(bytes: &[u8], options: &Options) -> Result<String, ListError> {
    let image = Image::parse(bytes)?;
    let mut out = Writer::new(options);
    // As much as most listings have.
    out.text.reserve(2 * bytes.len());
    write_image(&mut out, &image);
    Ok(text(out.text))
}

/// The same text written to `out` as it is made, in pieces of whole lines. The inner result is that
/// of writing; nothing is written if the object is refused.
///
/// # Errors
/// As [`list`].
pub fn list_to(
    bytes: &[u8],
    options: &Options,
    out: &mut dyn io::Write,
) -> Result<io::Result<()>, ListError> {
    let image = Image::parse(bytes)?;
    let mut out = Writer::to(options, out);
    write_image(&mut out, &image);
    out.hand_on();
    Ok(out.taken)
}

fn write_image(out: &mut Writer<'_>, image: &Image<'_>) {
    let options = out.options;
    let order = match image.endian {
        Endian::Little => "little",
        Endian::Big => "big",
    };
    out.text.extend_from_slice(format!("# BPF object, {order} endian\n").as_bytes());
    let codes = codes(image);
    let names = names(image, &codes, options);
    let lines = lines::read(image).unwrap_or_else(|why| {
        out.comment(&format!("there are no source lines: {why}"));
        HashMap::new()
    });
    if !options.columns {
        // What the dialect does not say.
        let (style, of_dialect) = (image.style, style_of("", Some(options.dialect)));
        if style != of_dialect {
            out.directive(format_args!(".bpf.style\t{}", style.name()));
        }
        if image.flags != 0 {
            out.directive(format_args!(".bpf.flags\t{:#x}", image.flags));
        }
        out.others(image, &names);
    }
    let none = lines::Lines::default();
    for (index, section) in image.sections.iter().enumerate() {
        if section.role == Role::Table || !is_listed(section, options) {
            continue;
        }
        out.blank();
        if section.role == Role::Addrsig
            && let Some(text) = data::addrsig(image, &names, section)
        {
            out.text.extend_from_slice(text.as_bytes());
            continue;
        }
        out.section(image, &names, section);
        match &codes[index] {
            Some(code) => {
                let lines = lines.get(&*section.name).unwrap_or(&none);
                code::write(out, image, &names, index, code, lines);
            }
            None => data::write(out, image, &names, index),
        }
    }
}

/// Lists a stream of slots without any ELF around it.
///
/// ```
/// use abide_asm::listing::{Options, list_raw};
/// use abide_isa::Endian;
///
/// let code = [0x15, 1, 1, 0, 0, 0, 0, 0, 0xb7, 0, 0, 0, 1, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0];
/// let text = list_raw(&code, Endian::Little, &Options::default());
/// assert_eq!(text, "\tif r1 == 0 goto .L1\n\tr0 = 1\n.L1:\n\texit\n");
/// ```
pub fn list_raw(bytes: &[u8], endian: Endian, options: &Options) -> String {
    let section = Section {
        name: Cow::Borrowed(""),
        role: Role::Code,
        kind: elf::SHT_PROGBITS.0,
        flags: 0,
        align: 8,
        entry_size: 0,
        group: None,
        link: 0,
        twin: 0,
        size: bytes.len() as u64,
        data: bytes,
        relocations: Vec::new(),
    };
    let image = Image {
        endian,
        flags: 0,
        style: Style::Llvm,
        sections: vec![section],
        symbols: Vec::new(),
    };
    let codes = codes(&image);
    let names = names(&image, &codes, options);
    let mut out = Writer::new(options);
    if let Some(code) = &codes[0] {
        code::write(&mut out, &image, &names, 0, code, &lines::Lines::default());
    }
    text(out.text)
}

/// The code of each section that has any.
fn codes<'d>(image: &Image<'d>) -> Vec<Option<Code<'d>>> {
    let code = |section: &Section<'d>| {
        (section.role == Role::Code).then(|| Code::new(section.data, image.endian))
    };
    image.sections.iter().map(code).collect()
}

fn names(image: &Image<'_>, codes: &[Option<Code<'_>>], options: &Options) -> Names {
    let mut names = Names::new(image, |section, offset| {
        codes[section].as_ref().is_none_or(|code| code.is_boundary(offset))
    });
    for (index, section) in image.sections.iter().enumerate() {
        match section.role {
            Role::Code => code::want(image, codes, index, &mut names),
            Role::Data if is_listed(section, options) => {
                data::want(image, codes, index, &mut names);
            }
            Role::Data | Role::Addrsig | Role::Table => {}
        }
    }
    names.number();
    names
}

/// Whether a section is of interest; everything is, unless one only wants to read.
fn is_listed(section: &Section<'_>, options: &Options) -> bool {
    let about = [".debug", ".BTF", ".eh_frame", ".llvm_addrsig", ".comment"];
    !options.columns
        || section.size > 0 && !about.iter().any(|prefix| section.name.starts_with(prefix))
}
