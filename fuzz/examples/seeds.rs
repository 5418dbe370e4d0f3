//! Fills `corpus/` from what the repository has: objects, their code and BTF, API files, assembly.

use std::fs;
use std::path::{Path, PathBuf};

use abide_isa::Endian;
use abide_object::Object;
use object::{Object as _, ObjectSection as _};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut seeds = Seeds { corpus: fuzz.join("corpus"), count: 0 };
    for folder in ["apis", "crates", "docs", "examples"] {
        seeds.take(&fuzz.join("..").join(folder))?;
    }
    println!("{} seeds", seeds.count);
    Ok(())
}

struct Seeds {
    corpus: PathBuf,
    count: usize,
}

impl Seeds {
    fn put(&mut self, target: &str, bytes: &[u8]) -> Result<(), Failure> {
        if bytes.is_empty() {
            return Ok(());
        }
        let folder = self.corpus.join(target);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(format!("seed-{:04}", self.count)), bytes)?;
        self.count += 1;
        Ok(())
    }

    fn take(&mut self, folder: &Path) -> Result<(), Failure> {
        let mut entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
        entries.sort_by_key(fs::DirEntry::path);
        for entry in entries {
            let path = entry.path();
            if path.is_dir() {
                self.take(&path)?;
                continue;
            }
            let bytes = fs::read(&path)?;
            match path.extension().and_then(|ending| ending.to_str()) {
                Some("o") => self.object(&bytes)?,
                Some("api") => self.put("api", &bytes)?,
                Some("s" | "asm" | "txt") => self.text(&bytes)?,
                Some("tsv") if path.ends_with("spellings.tsv") => self.spellings(&bytes)?,
                Some("pcap") => self.put("pcap", &bytes)?,
                Some("md") => {
                    // Examples of the language, between fences.
                    let text = String::from_utf8_lossy(&bytes);
                    for block in text.split("```").skip(1).step_by(2) {
                        let code = block.split_once('\n').map_or("", |(_, code)| code);
                        self.put("api", code.as_bytes())?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Assembly: as it is, and with a byte of options before it.
    fn text(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.put("asm", bytes)?;
        for options in [0x02, 0xce] {
            self.put("assembler", &[&[options], bytes].concat())?;
            self.put("long", &[&[options], bytes].concat())?;
        }
        self.put("translate", &[&[4], bytes].concat())
    }

    /// Statements in the second column of a table: all of them as one text, and some by themselves.
    fn spellings(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let table = String::from_utf8_lossy(bytes);
        let lines = table.lines().filter_map(|line| line.split('\t').nth(1));
        let lines: Vec<&str> = lines.collect();
        for some in lines.chunks(20) {
            self.text((some.join("\n") + "\n").as_bytes())?;
        }
        Ok(())
    }

    fn object(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.put("object", bytes)?;
        self.put("listing", bytes)?;
        self.put("run", bytes)?;
        self.put("profile", bytes)?;
        // Alone, and with one that it may go together with.
        let part = fs::read(self.corpus.join("../../crates/object/tests/cases/link/part.o"))?;
        if let Ok(len) = u16::try_from(bytes.len()) {
            self.put("link", &[&len.to_le_bytes(), bytes, &part].concat())?;
        }
        if let Ok(file) = object::File::parse(bytes) {
            for section in file.sections().filter(|section| section.name() == Ok(".BTF")) {
                self.put("btf", section.data()?)?;
            }
        }
        let Ok(object) = Object::parse(bytes) else { return Ok(()) };
        if !object.core.is_empty() {
            let host =
                fs::read(self.corpus.join("../../crates/object/tests/cases/core-kinds-host.o"))?;
            let len = (bytes.len() as u32).to_le_bytes();
            self.put("core", &[&len, bytes, &host].concat())?;
        }
        for function in &object.functions {
            let code: Vec<u8> =
                function.slots.iter().flat_map(|slot| slot.to_bytes(Endian::Little)).collect();
            self.put("isa", &code)?;
            self.put("listing", &code)?;
            self.put("interpreter", &code)?;
            let lines = abide_asm::disassemble(&function.slots, abide_asm::Dialect::C);
            let text: String = lines.into_iter().map(|line| line.text + "\n").collect();
            self.text(text.as_bytes())?;
        }
        Ok(())
    }
}
