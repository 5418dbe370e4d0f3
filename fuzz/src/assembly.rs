//! Files of assembly for several targets: a byte of options, and texts with zero bytes between them, of
//! which the first is assembled and the others are called `1`, `2`, … Knows no target.

use abide_asm::Dialect;
use abide_asm::object::{Loader, ObjectOptions, Semicolon, Style};
use abide_diag::Source;
use abide_isa::{Endian, Level};

/// What is assembled, and how.
pub struct Input {
    flags: u8,
    texts: Vec<String>,
}

impl Input {
    /// What some bytes stand for; nothing if there are none.
    pub fn of(bytes: &[u8]) -> Option<Input> {
        let (flags, text) = bytes.split_first()?;
        let text = String::from_utf8_lossy(text);
        Some(Input { flags: *flags, texts: text.split('\0').map(str::to_owned).collect() })
    }

    /// The text that is assembled.
    pub fn text(&self) -> &str {
        &self.texts[0]
    }

    /// An included text.
    pub fn loaded(&self, name: &str) -> Result<Source, String> {
        let text = name.parse().ok().and_then(|number: usize| self.texts.get(number));
        text.map(|text| Source::new(name, text.as_str())).ok_or_else(|| "there is none".to_owned())
    }

    /// How it is assembled.
    pub fn options<'a>(&self, loader: Loader<'a>) -> ObjectOptions<'a> {
        let bit = |number: u8| self.flags >> number & 1 == 1;
        ObjectOptions {
            dialect: match self.flags & 3 {
                0 => Some(Dialect::C),
                1 => Some(Dialect::Gnu),
                _ => None,
            },
            level: if bit(2) { Level::V4 } else { Level::V2 },
            endian: if bit(3) { Endian::Big } else { Endian::Little },
            style: bit(4).then_some(if bit(5) { Style::Gnu } else { Style::Llvm }),
            semicolon: if bit(6) { Semicolon::Auto } else { Semicolon::Comment },
            flags: 0,
            relax: bit(7),
            loader: Some(loader),
        }
    }
}
