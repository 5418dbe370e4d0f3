//! Listings: of this repository's objects as files, of the selftests, of damaged objects.
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail as it does")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use abide_asm::listing::{Options, list, list_raw, list_to};
use abide_asm::object::ObjectOptions;
use abide_asm::{Dialect, RefKind, assemble};
use abide_diag::Source;
use abide_isa::{Endian, Raw};
use object::{Object, ObjectSection, ObjectSymbol, RelocationFlags, RelocationTarget};
use proptest::prelude::*;

/// The objects of this repository.
fn committed() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for dir in ["examples/firewall", "examples/kv", "crates/object/tests/cases"] {
        let entries = std::fs::read_dir(abide_testkit::repo(dir)).unwrap();
        found.extend(entries.map(|entry| entry.unwrap().path()));
    }
    found.retain(|path| path.extension().is_some_and(|end| end == "o"));
    found.sort();
    assert!(found.len() >= 12, "{found:?}");
    found
}

/// What a section of code refers to: by slot, the place in the object and the number added.
type References = BTreeMap<usize, (String, i64)>;

/// A place with a name that does not depend on how symbols are chosen.
fn place(file: &object::File<'_>, symbol: &object::Symbol<'_, '_>, addend: i64) -> (String, i64) {
    match symbol.section_index() {
        // What is local is known by its place: assemblers turn its name into that of the section.
        Some(section) if !symbol.is_global() => {
            let section = file.section_by_index(section).unwrap();
            (section.name().unwrap().to_owned(), addend + symbol.address() as i64)
        }
        _ => (symbol.name().unwrap().to_owned(), addend),
    }
}

/// How many bytes a line of data stands for.
fn size_of_data(line: &str) -> i64 {
    let Some((name, operand)) = line.trim_start().split_once('\t') else { return 0 };
    let text = || operand.replace("\\\\", "x").replace("\\\"", "x").len() as i64 - 2;
    match name {
        ".zero" => operand.parse().unwrap(),
        ".asciz" => text() + 1,
        ".ascii" => text(),
        ".byte" => operand.split(',').count() as i64,
        ".short" => 2,
        ".long" => 4,
        ".quad" => 8,
        _ => 0,
    }
}

/// Assembles the code of each section of a listing again, and compares it with the object's: all
/// slots, and all relocations. Gives how many slots and relocations were compared.
fn compare(data: &[u8], text: &str, dialect: Dialect) -> (usize, usize) {
    let file = object::File::parse(data).unwrap();
    let endian = if file.is_little_endian() { Endian::Little } else { Endian::Big };
    // Every label of the listing: its section and offset.
    let mut labels = BTreeMap::new();
    let mut codes = Vec::new();
    for part in text.split("\t.section\t").skip(1) {
        let (head, body) = part.split_once('\n').unwrap();
        let name = head.split(",\"").next().unwrap().trim_matches('"').to_owned();
        let is_code = head.rsplit(",\"").next().unwrap().split('"').next().unwrap().contains('x');
        if !is_code || head.ends_with("@nobits") {
            let mut offset = 0;
            for line in body.lines() {
                match line.strip_suffix(':').filter(|_| !line.starts_with('\t')) {
                    Some(label) => _ = labels.insert(label.to_owned(), (name.clone(), offset)),
                    None => offset += size_of_data(line),
                }
            }
            continue;
        }
        let kept: String = body
            .lines()
            .filter(|line| !line.starts_with("\t.") || line.starts_with("\t.8byte"))
            .map(|line| format!("{line}\n"))
            .collect();
        let options =
            abide_asm::Options { dialect: Some(dialect), endian, ..abide_asm::Options::default() };
        let code = assemble(&kept, &options).unwrap_or_else(|errors| {
            panic!(
                "{}",
                errors[0].render(Some(&abide_diag::Source::new("x", kept.as_str())), false)
            )
        });
        for label in &code.labels {
            labels.insert(label.name.clone(), (name.clone(), label.slot as i64 * 8));
        }
        codes.push((name, code));
    }
    let globals: BTreeSet<&str> =
        file.symbols().filter(|one| one.is_global()).map(|one| one.name().unwrap()).collect();
    let locals: BTreeMap<&str, (String, i64)> = file
        .symbols()
        .filter(|one| !one.is_global() && !one.name().unwrap().is_empty())
        .map(|one| (one.name().unwrap(), place(&file, &one, 0)))
        .collect();
    let mut codes = codes.into_iter();
    let (mut slots, mut references) = (0, 0);
    for section in file.sections() {
        let object::SectionFlags::Elf { sh_flags, .. } = section.flags() else { unreachable!() };
        if !sh_flags.contains(object::elf::SHF_EXECINSTR)
            || section.kind() == object::SectionKind::UninitializedData
        {
            continue;
        }
        let (name, mut code) = codes.next().expect("every section of code is listed");
        assert_eq!(name, section.name().unwrap());
        let mut expected = References::new();
        let theirs = Raw::read_all(section.data().unwrap(), endian).0;
        for (offset, relocation) in section.relocations() {
            let RelocationTarget::Symbol(symbol) = relocation.target() else { unreachable!() };
            let symbol = file.symbol_by_index(symbol).unwrap();
            let RelocationFlags::Elf { r_type } = relocation.flags() else { unreachable!() };
            let slot = offset as usize / 8;
            let imm = i64::from(theirs[slot].imm);
            let addend = match r_type.0 {
                1 => imm & 0xffff_ffff | i64::from(theirs[slot + 1].imm) << 32,
                10 => (imm + 1) * 8,
                other => panic!("relocation of type {other}"),
            };
            expected.insert(slot, place(&file, &symbol, addend));
        }
        let mut found = References::new();
        for one in &code.refs {
            let known = (!globals.contains(&*one.name))
                .then(|| locals.get(&*one.name).or_else(|| labels.get(&one.name)))
                .flatten();
            let (place, base) = known.cloned().unwrap_or((one.name.clone(), 0));
            found.insert(one.slot, (place, base + one.addend));
            // As an object has it: the number to be added, without that of a local symbol.
            let addend = one.addend + base;
            match one.kind {
                RefKind::Imm64 => {
                    code.slots[one.slot].imm = addend as i32;
                    code.slots[one.slot + 1].imm = (addend >> 32) as i32;
                }
                RefKind::Call => code.slots[one.slot].imm = (addend / 8 - 1) as i32,
                RefKind::Goto => panic!("{name}: no label {}", one.name),
            }
        }
        // Without an object around it the assembler takes a global label for a near one.
        for (slot, target) in &expected {
            if !found.contains_key(slot) && code.slots[*slot].code == 0x85 {
                code.slots[*slot].imm = theirs[*slot].imm;
                found.insert(*slot, target.clone());
            }
        }
        assert_eq!(found, expected, "{name}");
        if let Some(at) = (0..theirs.len()).find(|at| code.slots.get(*at) != theirs.get(*at)) {
            panic!("{name}, slot {at}: {:?} is not {:?}", code.slots.get(at), theirs[at]);
        }
        assert_eq!(code.slots.len(), theirs.len(), "{name}");
        slots += theirs.len();
        references += expected.len();
    }
    (slots, references)
}

fn compare_all(files: &[PathBuf]) -> (usize, usize) {
    let mut sum = (0, 0);
    for file in files {
        let data = std::fs::read(file).unwrap();
        for dialect in [Dialect::C, Dialect::Gnu] {
            let text = list(&data, &Options { dialect, ..Options::default() }).unwrap();
            for line in text.lines() {
                let lost = line.starts_with("\t# relocation") || line.starts_with("\t# the symbol");
                assert!(!lost, "{}: {line}", file.display());
            }
            let (slots, references) = compare(&data, &text, dialect);
            sum = (sum.0 + slots, sum.1 + references);
        }
    }
    println!("{} objects, {} slots, {} relocations, in two dialects", files.len(), sum.0, sum.1);
    sum
}

#[test]
fn the_code_of_this_repository_is_assembled_again() {
    let (slots, references) = compare_all(&committed());
    assert!(slots > 2000 && references > 200, "{slots} {references}");
}

#[test]
fn the_code_of_the_selftests_is_assembled_again() {
    for archive in ["selftests-61-c19-v3", "selftests-612-c19-v3"] {
        compare_all(&abide_testkit::corpus(archive));
    }
}

/// Takes so many bytes, and then no more.
struct Narrow(usize, Vec<u8>);

impl std::io::Write for Narrow {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let some = bytes.len().min(self.0);
        if some == 0 {
            return Err(std::io::ErrorKind::StorageFull.into());
        }
        self.0 -= some;
        self.1.extend_from_slice(&bytes[..some]);
        Ok(some)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_listing_in_pieces_is_the_same_as_a_whole_one() {
    let data = std::fs::read(abide_testkit::repo("examples/firewall/firewall.bpf.o")).unwrap();
    let options = Options::default();
    let whole = list(&data, &options).unwrap();
    assert!(whole.len() > 100_000, "it is to be handed on several times");
    let mut pieces = Vec::new();
    list_to(&data, &options, &mut pieces).unwrap().unwrap();
    assert_eq!(String::from_utf8(pieces).unwrap(), whole);
    // What cannot be written ends it, with the reason; what is refused is not begun.
    let mut narrow = Narrow(70_000, Vec::new());
    let failed = list_to(&data, &options, &mut narrow).unwrap().unwrap_err();
    assert_eq!(failed.kind(), std::io::ErrorKind::StorageFull);
    assert_eq!(narrow.1, whole.as_bytes()[..70_000]);
    let mut nothing = Vec::new();
    assert!(list_to(&data[..1000], &options, &mut nothing).is_err() && nothing.is_empty());
}

/// What an object says, in no order: sections with flags, alignment and bytes, symbols, relocations.
fn facts(data: &[u8]) -> BTreeSet<String> {
    let file = object::File::parse(data).unwrap();
    let mut facts = BTreeSet::new();
    let section = |index: Option<object::SectionIndex>| {
        index.map(|index| file.section_by_index(index).unwrap().name().unwrap().to_owned())
    };
    for one in file.sections() {
        let (name, flags) = (one.name().unwrap(), one.flags());
        let kept = !name.contains("tab") && !name.starts_with(".rel") && name != ".llvm_addrsig";
        if !name.is_empty() && kept {
            let data = one.uncompressed_data().unwrap();
            facts.insert(format!("{name} {flags:?} {} {} {data:x?}", one.align(), one.size()));
        }
        for (offset, relocation) in one.relocations() {
            let RelocationTarget::Symbol(symbol) = relocation.target() else { unreachable!() };
            let symbol = file.symbol_by_index(symbol).unwrap();
            let place = (section(symbol.section_index()), symbol.name().unwrap());
            facts.insert(format!("{name}+{offset} {:?} {place:?}", relocation.flags()));
        }
    }
    for one in file.symbols() {
        let (name, flags) = (one.name().unwrap(), one.flags());
        let place = (section(one.section_index()), one.address(), one.size());
        if one.kind() != object::SymbolKind::Section {
            facts.insert(format!("{name} {flags:?} {place:?}"));
        }
    }
    facts
}

/// The object that a listing becomes.
fn object_of(data: &[u8], dialect: Dialect) -> Vec<u8> {
    let text = list(data, &Options { dialect, ..Options::default() }).unwrap();
    let endian = if data[5] == 2 { Endian::Big } else { Endian::Little };
    let options = ObjectOptions { endian, ..ObjectOptions::default() };
    let object = abide_asm::object::assemble(&Source::new("listing.s", text), &options);
    object.unwrap_or_else(|errors| panic!("{}", errors[0].render(false))).bytes
}

/// Whole objects: sections, symbols and relocations with their kinds, in both dialects.
#[test]
fn a_listing_becomes_the_same_object() {
    let mut clang = 0;
    for path in committed() {
        let data = std::fs::read(&path).unwrap();
        for dialect in [Dialect::C, Dialect::Gnu] {
            let once = object_of(&data, dialect);
            assert_eq!(object_of(&once, dialect), once, "{}", path.display());
            let other = object_of(&once, dialect.other());
            assert_eq!(facts(&other), facts(&once), "{}", path.display());
            // binutils 2.40 number relocations as nothing else does.
            if !path.to_string_lossy().contains("gcc") {
                let (ours, theirs) = (facts(&once), facts(&data));
                let differ: Vec<_> = ours.symmetric_difference(&theirs).collect();
                assert!(differ.is_empty(), "{} {differ:#?}", path.display());
                clang += 1;
            }
        }
    }
    assert!(clang > 20);
}

/// A place in code that has a symbol, told by a section whose name is no word: the word is of the place,
/// not of the symbol, which would be another relocation.
#[test]
fn places_of_code_in_ext_stay_places() {
    let text = ".section \"kprobe/foo\",\"ax\",@progbits\nr0 = 0\nLBB0_1:\n.Ltmp:\nexit\n\
                .section .BTF.ext,\"\",@progbits\n.long .Ltmp\n";
    let options = ObjectOptions::default();
    let object = abide_asm::object::assemble(&Source::new("x.s", text), &options);
    let data = object.unwrap_or_else(|errors| panic!("{}", errors[0].render(false))).bytes;
    for dialect in [Dialect::C, Dialect::Gnu] {
        assert_eq!(facts(&object_of(&data, dialect)), facts(&data));
    }
}

/// Listings as files: `tests/cases/listing/*.s`; `BLESS=1` writes them.
#[test]
fn listings_are_as_on_file() {
    let cases = abide_testkit::repo("crates/asm/tests/cases/listing");
    let objects = abide_testkit::repo("crates/object/tests/cases");
    for (object, dialect, columns) in [
        ("basics.o", Dialect::C, false),
        ("callbacks.gcc12.o", Dialect::Gnu, false),
        ("maps.gcc12.o", Dialect::Gnu, false),
        ("externs.o", Dialect::C, true),
        ("core.be.o", Dialect::Gnu, true),
    ] {
        let data = std::fs::read(objects.join(object)).unwrap();
        let text = list(&data, &Options { dialect, columns, source: true }).unwrap();
        // Debug and type information fill pages and say nothing of the listing.
        let (mut shown, mut hidden) = (String::new(), false);
        for line in text.split_inclusive('\n') {
            if line.contains(".section\t") {
                hidden = line.contains(".debug") || line.contains(".BTF");
            }
            if !hidden {
                shown.push_str(line);
            }
        }
        let name =
            format!("{object}.{}{}.s", dialect.name(), if columns { ".columns" } else { "" });
        abide_testkit::check_or_bless(cases.join(name), &shown);
    }
}

#[test]
fn what_is_no_object_is_refused() {
    let refused = |bytes: &[u8]| {
        let error = list(bytes, &Options::default()).unwrap_err();
        abide_diag::Report::report(&error).code.id
    };
    let data = std::fs::read(abide_testkit::repo("examples/firewall/firewall.bpf.o")).unwrap();
    assert_eq!(refused(b""), "S0101");
    assert_eq!(refused(b"text"), "S0101");
    let edit = |at: usize, byte: u8| {
        let mut data = data.clone();
        data[at] = byte;
        data
    };
    assert_eq!(refused(&edit(4, 1)), "S0101");
    assert_eq!(refused(&edit(18, 62)), "S0101");
    assert_eq!(refused(&data[..data.len() / 2]), "S0102");
    // The second section as large as the file less what is before it: it lies on all others.
    let headers = u64::from_le_bytes(data[0x28..0x30].try_into().unwrap()) as usize;
    let mut large = data.clone();
    let size = headers + 2 * 64 + 32;
    large[size..size + 8].copy_from_slice(&(data.len() as u64 - 64).to_le_bytes());
    assert_eq!(refused(&large), "S0103");
}

fn raw() -> impl Strategy<Value = Vec<u8>> {
    let slot = (
        any::<u8>(),
        any::<u8>(),
        prop_oneof![-9i16..9, any::<i16>()],
        prop_oneof![-9i32..9, any::<i32>()],
    );
    let code = prop_oneof![Just(0x18), Just(0x05), Just(0x85), Just(0x06), Just(0x15), any::<u8>()];
    let slots = proptest::collection::vec((code, slot), 0..40);
    (slots, proptest::collection::vec(any::<u8>(), 0..8)).prop_map(|(slots, rest)| {
        let bytes = slots.into_iter().flat_map(|(code, (_, regs, off, imm))| {
            let raw = Raw { code, dst: regs % 11, src: regs / 128, off, imm };
            raw.to_bytes(Endian::Little)
        });
        bytes.chain(rest).collect()
    })
}

proptest! {
    #[test]
    fn raw_streams_are_assembled_again(bytes in raw(), big in any::<bool>()) {
        let endian = if big { Endian::Big } else { Endian::Little };
        let slots = Raw::read_all(&bytes, endian).0;
        for dialect in [Dialect::C, Dialect::Gnu] {
            let text = list_raw(&bytes, endian, &Options { dialect, ..Options::default() });
            let text: String =
                text.lines().filter(|line| !line.starts_with("\t.byte")).map(|line| format!("{line}\n")).collect();
            let options = abide_asm::Options { dialect: Some(dialect), endian, ..Default::default() };
            let code = assemble(&text, &options);
            prop_assert_eq!(code.map(|code| code.slots), Ok(slots.clone()), "{}", text);
        }
    }

    #[test]
    fn damaged_objects_are_listed_or_refused(
        which in any::<proptest::sample::Index>(),
        flips in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..12),
        tables in any::<bool>(),
        cut in prop_oneof![3 => Just(None), 1 => any::<proptest::sample::Index>().prop_map(Some)],
    ) {
        let files = committed();
        let mut data = std::fs::read(which.get(&files)).unwrap();
        let headers = match data[5] {
            1 => u64::from_le_bytes(data[0x28..0x30].try_into().unwrap()),
            _ => u64::from_be_bytes(data[0x28..0x30].try_into().unwrap()),
        } as usize;
        for (at, byte) in flips {
            // Most bytes are debug information; the tables are at the end.
            let from = if tables { headers.min(data.len() - 1) } else { 0 };
            let at = from + at.index(data.len() - from);
            data[at] = byte;
        }
        if let Some(cut) = cut {
            data.truncate(cut.index(data.len()));
        }
        for columns in [false, true] {
            if let Ok(text) = list(&data, &Options { columns, ..Options::default() }) {
                prop_assert!(text.len() < 64 * data.len() + 4096, "{} of {}", text.len(), data.len());
            }
        }
    }
}
