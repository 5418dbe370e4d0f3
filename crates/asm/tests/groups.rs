//! Groups of sections, sections that are about others, and several of one name: as LLVM's and GNU's
//! assemblers write them, and listed so that they are the same when assembled again.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use abide_asm::listing::{self, list};
use abide_asm::object::{ObjectOptions, Style, assemble};
use abide_asm::{Dialect, Options};
use abide_diag::Source;
use object::elf;
use object::endian::Endianness;
use object::read::elf::{FileHeader, SectionHeader, Sym};

/// `GROUPS` in pseudo-C has the two lines that LLVM alone understands.
const GROUPS: &str = "
\t.section\t.text.f,\"axG\",@progbits,signature,comdat
\t.globl\tf
f:
\tcall\tg
\texit
\t.section\t.rodata.f,\"aG\",@progbits,signature,comdat
\t.quad\tf
\t.section\t.text.h,\"axG\",@progbits,h,comdat
\t.weak\th
h:
\texit
\t.section\t.about,\"ao\",@progbits,f
\t.quad\t5
\t.section\t.about,\"ao\",@progbits,h
\t.quad\t6
\t.section\t.text.f,\"axG\",@progbits,other
\texit
";
const NUMBERED: &str = "\t.section\t.text.f,\"ax\",@progbits,unique,3\n\texit\n";

/// One line for each section: its name and flags, its group, what it is about; sorted.
fn facts(bytes: &[u8]) -> Vec<String> {
    let header = elf::FileHeader64::<Endianness>::parse(bytes).expect("an object");
    let order = header.endian().expect("an order");
    let sections = header.sections(order, bytes).expect("sections");
    let symbols = sections.symbols(order, bytes, elf::SHT_SYMTAB).expect("symbols");
    let name = |at: usize| {
        let section = sections.section(object::SectionIndex(at)).expect("in the table");
        String::from_utf8_lossy(sections.section_name(order, section).expect("a name")).into_owned()
    };
    let mut groups = vec![String::new(); sections.len()];
    for (at, section) in sections.iter().enumerate() {
        let Some((flag, members)) = section.group(order, bytes).expect("a group") else { continue };
        let symbol = symbols.symbol(object::SymbolIndex(section.sh_info(order) as usize));
        let symbol = symbol.expect("in the table");
        let signature = symbols.symbol_name(order, symbol).expect("a name");
        let signature = String::from_utf8_lossy(signature);
        // A name that is nothing else belongs to the group.
        let own = symbol.st_shndx(order).index().map(usize::from) == Some(at);
        for member in members {
            let member = member.get(order) as usize;
            assert!(member > at, "a group comes before its parts");
            groups[member] = format!(" group {signature} {} own: {own}", flag.0);
        }
    }
    let mut out = Vec::new();
    for (at, section) in sections.iter().enumerate() {
        let flags = section.sh_flags(order);
        let about = match flags.contains(elf::SHF_LINK_ORDER) {
            true => format!(" about {}", name(section.sh_link(order) as usize)),
            false => String::new(),
        };
        let kind = section.sh_type(order);
        // Other tables are named and flagged as each assembler likes.
        if kind == elf::SHT_PROGBITS || kind == elf::SHT_REL {
            // Whether a table says that it has a number in `sh_info` differs.
            let flags = flags.0 & !elf::SHF_INFO_LINK.0;
            let bytes = section.sh_size(order);
            // GNU's has three sections in any case.
            if bytes > 0 {
                out.push(format!("{} {flags:#x} {bytes}{}{about}", name(at), groups[at]));
            }
        }
    }
    out.sort();
    out
}

fn ours(text: &str, style: Style) -> Vec<u8> {
    let options = ObjectOptions { style: Some(style), ..ObjectOptions::default() };
    match assemble(&Source::new("groups.s", text), &options) {
        Ok(object) => object.bytes,
        Err(errors) => panic!("{}", errors[0].render(false)),
    }
}

/// What another assembler makes of a text.
fn theirs(tool: &Path, flags: &[&str], text: &str) -> Vec<u8> {
    let out = abide_testkit::scratch().join(format!("groups-{}.o", std::process::id()));
    let mut child = Command::new(tool)
        .args(flags)
        .args(["-o".as_ref(), out.as_os_str(), "-".as_ref()])
        .stdin(Stdio::piped())
        .spawn()
        .expect("it was found");
    let mut input = child.stdin.take().expect("it is piped");
    input.write_all(text.as_bytes()).expect("it reads");
    drop(input);
    assert!(child.wait().expect("it ends").success());
    let bytes = std::fs::read(&out).expect("it was written");
    std::fs::remove_file(&out).expect("it was written");
    bytes
}

#[test]
fn groups_are_written_as_llvm_writes_them() {
    let text = format!("{GROUPS}{NUMBERED}");
    let object = facts(&ours(&text, Style::Llvm));
    assert_eq!(object.len(), 9, "{object:#?}");
    let Some(tool) = abide_testkit::tool(&["llvm-mc-19", "llvm-mc"]) else { return };
    let other = theirs(&tool, &["-triple=bpfel", "-filetype=obj"], &text);
    assert_eq!(object, facts(&other));
}

#[test]
fn groups_are_written_as_gnu_writes_them() {
    let object = facts(&ours(GROUPS, Style::Gnu));
    let Some(tool) = abide_testkit::tool(&["bpf-as"]) else { return };
    assert_eq!(object, facts(&theirs(&tool, &["-EL"], GROUPS)));
}

#[test]
fn listings_keep_groups_numbers_and_flags() {
    let text = format!("\t.bpf.flags\t4\n{GROUPS}{NUMBERED}");
    for style in [Style::Llvm, Style::Gnu] {
        let object = ours(&text, style);
        assert_eq!(object[48..52], [4, 0, 0, 0]);
        for dialect in [Dialect::C, Dialect::Gnu] {
            let options = listing::Options { dialect, ..listing::Options::default() };
            let listed = list(&object, &options).expect("it is an object");
            let again = ours(&listed, style);
            assert_eq!(facts(&object), facts(&again), "{listed}");
            assert_eq!(object[48..52], again[48..52]);
        }
    }
}

#[test]
fn a_group_can_be_joined_without_its_name() {
    let text = "\t.section a,\"aG\",@progbits,g,comdat\n\t.byte 1\n\t.section b,\"a?\",@progbits\n\
                \t.byte 2\n\t.section c,\"a\"\n\t.byte 3\n\t.section d,\"a?\",@progbits\n\t.byte 4\n";
    let object = facts(&ours(text, Style::Llvm));
    let expected =
        ["a 0x202 1 group g 1 own: true", "b 0x202 1 group g 1 own: true", "c 0x2 1", "d 0x2 1"];
    assert_eq!(object, expected);
}

#[test]
fn instructions_alone_have_no_sections() {
    let errors = abide_asm::assemble("\t.section a,\"aG\",@progbits,g\n", &Options::default());
    assert_eq!(errors.expect_err("a directive")[0].code.id, "S0013");
}
