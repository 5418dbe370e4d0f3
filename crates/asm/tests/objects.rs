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
fn what_others_leave_out_without_a_word_is_an_error() {
    assert_eq!(section("f: exit\n.size f, .-g\ng = f + 8\n", ".text").len(), 8);
    assert_eq!(codes("f: exit\n.size f, .-h\n"), ["S0012"]);
    assert_eq!(codes("f: exit\n.size f, f\n"), ["S0012"]);
    assert_eq!(section(".text 0\nexit\n", ".text").len(), 8);
    assert_eq!(codes(".text 1\nexit\n.data 2\n"), ["S0001", "S0001"]);
    assert_eq!(section(".bpf.style llvm\nexit\n", ".text").len(), 8);
    assert_eq!(codes("exit\n.bpf.style gnu\n.bpf.style other\n"), ["S0001", "S0001"]);
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
    // Signed, as 64 bits.
    assert_eq!(
        data(".ifgt 0xffffffffffffffff\n.byte 1\n.endif\n.iflt 1 << 63\n.byte 2\n.endif\n"),
        [2]
    );
    assert_eq!(
        data(".if 0xffffffffffffffff > 1\n.byte 1\n.endif\n.byte -1 >> 60, 1 << 63 >> 63\n"),
        [15, 1]
    );
    assert_eq!(data(".byte 0xffffffffffffffff / 2, -7 / 2, -7 % 4\n"), [0, 0xfd, 0xfd]);
    assert_eq!(
        data(
            ".float 1.5, -0 # of 4 bytes\n.macro two x\n.double \\x\n.endm\ntwo 2e0 ; .dc.s inf\n"
        ),
        [0, 0, 0xc0, 0x3f, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0x40, 0, 0, 0x80, 0x7f]
    );
    assert_eq!(codes(".float 1.5.2\n.float 1 2\n.double 1,\n.float x\n"), ["S0001"; 4]);
    assert_eq!(codes(".float 1e99\n.double 1e-999\n.bss\n.float 1\n"), ["S0006", "S0006", "S0030"]);
    assert_eq!(data(".asciz \"a\\n\\001\"\n.p2align 3\n"), [b'a', b'\n', 1, 0, 0, 0, 0, 0]);
    assert_eq!(section(".bpf.api \"linux@LINUX_6.5\"\n", ".bpf.api"), b"linux@LINUX_6.5\0");
}

#[test]
fn symbols_may_be_numbers_that_are_known_later() {
    let code = |text: &str| -> Vec<u64> {
        let bytes = section(text, ".text");
        bytes.chunks(8).map(|slot| u64::from_be_bytes(slot.try_into().expect("8 bytes"))).collect()
    };
    let text = "mov %r1,end - begin\nr2 = end - begin ll\nstw [%r1+K],K * 2\nif w1 > K goto end\n\
                begin: exit\nr3 = . - begin\nend: exit\n.set K, 5\n";
    assert_eq!(
        code(text),
        [
            0xb701_0000_1000_0000,
            0x1802_0000_1000_0000,
            0,
            0x6201_0500_0a00_0000,
            0x2601_0200_0500_0000,
            0x9500_0000_0000_0000,
            0xb703_0000_0800_0000,
            0x9500_0000_0000_0000,
        ]
    );
    assert_eq!(codes("r1 = nowhere\n"), ["S0007"]);
    assert_eq!(codes("r1 = *(u8 *)(r2 + nowhere)\n"), ["S0007"]);
    assert_eq!(codes("here: r1 = here\n"), ["S0007"]);
    assert_eq!(codes("r1 = nowhere - here\nhere: exit\n"), ["S0012"]);
    assert_eq!(codes("r1 = K\n.set K, 1 << 40\n"), ["S0006"]);
    assert_eq!(codes("r1 = *(u8 *)(r2 + K)\n.set K, 1 << 15\n"), ["S0006"]);
    assert_eq!(codes("a: exit\nb: if r1 == 0 goto b - a\n"), ["S0012"]);
    let warned =
        assemble(&Source::new("x.s", "r1 = K\n.set K, 0xffffffff\n"), &ObjectOptions::default());
    assert_eq!(warned.expect("it is right").warnings[0].diagnostic.code.id, "S0017");
}
