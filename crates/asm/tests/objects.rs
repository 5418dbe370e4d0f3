//! Whole files: what directives mean, and what is refused.

use abide_asm::object::{ObjectOptions, assemble};
use abide_diag::Source;
use object::{Object, ObjectSection};

fn section(text: &str, name: &str) -> Vec<u8> {
    let object = assemble(&Source::new("x.s", text), &ObjectOptions::default());
    let object = object.unwrap_or_else(|errors| panic!("{}", errors[0].render(false)));
    let file = object::File::parse(&*object.bytes).expect("an object");
    let section = file.section_by_name(name).expect("the section is there");
    section.data().expect("its bytes").to_vec()
}

fn codes(text: &str) -> Vec<&'static str> {
    let errors = assemble(&Source::new("x.s", text), &ObjectOptions::default());
    errors.expect_err("it is wrong").iter().map(|error| error.diagnostic.code.id).collect()
}

#[test]
fn every_code_of_whole_files_is_triggered() {
    assert_eq!(codes(".bss\n.long 1\n"), ["S0030"]);
    assert_eq!(codes(".if 1\n"), ["S0031"]);
    assert_eq!(codes(".endif\n"), ["S0031"]);
    assert_eq!(codes(".macro m a:req\n.endm\nm\n"), ["S0032"]);
    assert_eq!(codes(".include \"other.s\"\n"), ["S0033"]);
    assert_eq!(codes(".section a,\"q\"\n"), ["S0034"]);
    assert_eq!(codes(".err\n"), ["S0035"]);
    assert_eq!(codes("goto elsewhere\n"), ["S0036"]);
}

#[test]
fn all_errors_of_a_file_are_found() {
    assert_eq!(codes("r11 = r1\n.nothing\nR1 = R2\n.byte 256\n").len(), 4);
}

#[test]
fn data_macros_conditions_and_differences() {
    let data = |text: &str| section(&format!(".data\n{text}"), ".data");
    assert_eq!(data(".macro two a, b=7\n.byte \\a, \\b\n.endm\ntwo 1\ntwo 2, 3\n"), [1, 7, 2, 3]);
    assert_eq!(data(".rept 3\n.byte 9\n.endr\n"), [9, 9, 9]);
    assert_eq!(data(".irp x, 1, 2\n.byte \\x\n.endr\n"), [1, 2]);
    assert_eq!(data("X = 5\n.if X == 5\n.byte 1\n.else\n.byte 2\n.endif\n"), [1]);
    assert_eq!(data("/* a */ .byte 1\na: /* b\n */ .dc.w 2\n"), [1, 2, 0]);
    // What holds is -1 to both toolchains, but 1 if put together.
    assert_eq!(data(".byte 2 > 1, 2 < 1, 1 && 2, !5, 5 ! 3\n"), [0xff, 0, 1, 0, 0xfd]);
    assert_eq!(data(".byte b - a\na: .long 0\nb:\n"), [4, 0, 0, 0, 0]);
    assert_eq!(data("a: .uleb128 b - a\n.zero 200\nb:\n")[..2], [0xca, 0x01]);
    assert_eq!(data(".asciz \"a\\n\\001\"\n.p2align 3\n"), [b'a', b'\n', 1, 0, 0, 0, 0, 0]);
    assert_eq!(section(".bpf.api \"linux@LINUX_6.5\"\n", ".bpf.api"), b"linux@LINUX_6.5\0");
}
