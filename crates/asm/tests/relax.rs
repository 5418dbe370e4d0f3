//! Far branches that become longer: each still jumps where it did, and what counts on places follows.
//!
//! The distances are those around what 16 bits hold. A relaxed text is compared with the places of
//! its labels, which `.quad LABEL - f` writes down, and by where its instructions lead.

use abide_asm::object::{Object, ObjectOptions, Style, assemble};
use abide_diag::Source;
use abide_isa::{Endian, Kind, Level, Raw, decode};
use object::{Object as _, ObjectSection, ObjectSymbol};
use proptest::prelude::*;

fn run(text: &str, change: impl FnOnce(&mut ObjectOptions<'_>)) -> Result<Object, String> {
    let mut options =
        ObjectOptions { relax: true, style: Some(Style::Llvm), ..ObjectOptions::default() };
    change(&mut options);
    assemble(&Source::new("far.s", text), &options).map_err(|errors| errors[0].render(false))
}

fn relaxed(text: &str) -> Object {
    run(text, |_| ()).unwrap_or_else(|error| panic!("{error}"))
}

fn section(object: &Object, name: &str) -> Vec<u8> {
    let file = object::File::parse(&*object.bytes).expect("an object");
    let section = file.section_by_name(name).expect("it has the section");
    section.data().expect("bytes").to_vec()
}

fn slots(bytes: &[u8]) -> Vec<Raw> {
    let all = bytes.chunks_exact(8).map(|slot| slot.try_into().expect("eight bytes"));
    all.map(|slot| Raw::from_bytes(slot, Endian::Little)).collect()
}

/// Where a jump leads if it is taken, through the jumps that it has become.
fn leads_to(code: &[Raw], at: usize) -> usize {
    let insn = decode(&code[at..]).expect("an instruction");
    let next = |at: usize, by: i32| (at as i64 + 1 + i64::from(by)) as usize;
    let to = next(at, insn.jump().expect("a jump"));
    let conditional = !matches!(insn.kind(), Kind::Jump { .. });
    match decode(&code[to..]).map(|insn| insn.kind()) {
        // The second of three, behind the `goto` that is for when the jump is not taken.
        Ok(Kind::Jump { long: true }) if conditional && to == at + 2 => leads_to(code, to),
        _ => to,
    }
}

/// Room for `count` instructions.
fn filler(count: usize) -> String {
    format!("\t.zero\t{}\n", count * 8)
}

#[test]
fn the_edges() {
    for (jump, words) in [("goto l", 1), ("if r1 > 7 goto l", 3), ("if w1 & 1 goto l", 3)] {
        // As many instructions between a jump and its target, forward.
        for (count, far) in [(32766, false), (32767, false), (32768, true)] {
            let text = format!("f:\t{jump}\n{}l:\texit\n", filler(count));
            let code = slots(&section(&relaxed(&text), ".text"));
            let before = if far { words } else { 1 };
            assert_eq!(code.len(), before + count + 1, "{jump} over {count}");
            assert_eq!(leads_to(&code, 0), before + count, "{jump} over {count}");
            assert_eq!(run(&text, |options| options.relax = false).is_err(), far);
            assert_eq!(run(&text, |options| options.level = Level::V3).is_err(), far);
        }
        // Backward the jump itself counts.
        for (count, far) in [(32766, false), (32767, false), (32768, true)] {
            let text = format!("l:\n{}\t{jump}\n\texit\n", filler(count));
            let code = slots(&section(&relaxed(&text), ".text"));
            let after = if far { words } else { 1 };
            assert_eq!(code.len(), count + after + 1, "{jump} back over {count}");
            assert_eq!(leads_to(&code, count), 0, "{jump} back over {count}");
            assert_eq!(run(&text, |options| options.relax = false).is_err(), far);
        }
    }
}

#[test]
fn the_bytes_are_those_of_gnu() {
    // binutils 2.44 makes `jeq %r1,7,far` these three: jeq +1, ja +1, jal.
    let code = section(&relaxed(&format!("f:\tjeq %r1,7,l\n{}l:\texit\n", filler(40000))), ".text");
    assert_eq!(code[..8], [0x15, 1, 1, 0, 7, 0, 0, 0]);
    assert_eq!(code[8..16], [5, 0, 1, 0, 0, 0, 0, 0]);
    assert_eq!(code[16..24], [6, 0, 0, 0, 0x40, 0x9c, 0, 0]);
    let text = format!("f:\tjeq %r1,7,l\n{}l:\texit\n", filler(40000));
    let big = run(&text, |options| options.endian = Endian::Big).expect("as good");
    let code = section(&big, ".text");
    assert_eq!(
        code[..24],
        [0x15, 0x10, 0, 1, 0, 0, 0, 7, 5, 0, 0, 1, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0x9c, 0x40]
    );
}

#[test]
fn what_counts_on_places_follows() {
    let text = format!(
        "\t.file 1 \"a.c\"\n\t.globl g\n\t.type f,@function\nf:\n\t.loc 1 1 1\n\tif r1 == 0 goto l\n\
         \t.loc 1 2 1\na:\tr2 = 1\n{}\t.p2align 6\nl:\t.loc 1 3 1\n\texit\n\t.size f, .-f\n\
         g:\tcall f\n\texit\n\t.data\n\t.quad a-f\n\t.quad l-f\n\t.uleb128 l-f\n\t.quad g\n",
        filler(40000)
    );
    let object = relaxed(&text);
    let code = slots(&section(&object, ".text"));
    let target = leads_to(&code, 0);
    assert_eq!(target % 8, 0, "aligned to 64 bytes");
    assert_eq!(code[target].code, 0x95);
    let data = section(&object, ".data");
    let number = |at: usize| u64::from_le_bytes(data[at..at + 8].try_into().expect("eight"));
    assert_eq!((number(0), number(8)), (24, target as u64 * 8));
    let file = object::File::parse(&*object.bytes).expect("an object");
    let symbol = |name: &str| file.symbol_by_name(name).expect("it is there");
    assert_eq!(symbol("f").size(), target as u64 * 8 + 8);
    assert_eq!(symbol("g").address(), target as u64 * 8 + 8);
    let lines: Vec<(u64, u32)> = object.lines.iter().map(|line| (line.offset, line.line)).collect();
    assert_eq!(lines, [(0, 1), (24, 2), (target as u64 * 8, 3)]);
    let (call, calls) = (target + 1, decode(&code[target + 1..]).expect("an instruction"));
    assert_eq!(calls.imm, -(call as i64) - 1);
}

#[test]
fn counting_over_a_far_branch_is_an_error() {
    let far = filler(40000);
    for (text, wrong) in [
        (format!("f:\tgoto +1\n\tif r1 == 0 goto l\n\texit\n{far}l:\texit\n"), true),
        (format!("f:\tgoto +1\n\tgoto l\n\texit\n{far}l:\texit\n"), false),
        (format!("f:\tif r1 == 0 goto l\n\texit\n\tgoto -3\n{far}l:\texit\n"), true),
        (format!("f:\tif r1 == 0 goto l\n\tgoto +1\n\texit\n\texit\n{far}l:\texit\n"), false),
        (format!("f:\tgoto f+16\n\tif r1 == 0 goto l\n\texit\n{far}l:\texit\n"), true),
        (format!("f:\tif r1 == 0 goto l\n\t.org 64\n\texit\n{far}l:\texit\n"), true),
    ] {
        let said = run(&text, |_| ()).err().unwrap_or_default();
        assert_eq!(said.starts_with("error[S0008]"), wrong, "{}: {said}", &text[..50]);
    }
}

#[test]
fn a_chain_that_grows_link_by_link_ends() {
    // Each jump reaches just until the one before has grown.
    let mut text = String::from("f:\n");
    for at in 0..3000 {
        text.push_str(&format!("l{at}:\tif r1 == {at} goto m{at}\n"));
    }
    text.push_str(&filler(32767 - 3000 + 1));
    for at in 0..3000 {
        text.push_str(&format!("m{at}:\tr2 = {at}\n"));
    }
    text.push_str("\texit\n");
    let code = slots(&section(&relaxed(&text), ".text"));
    let mut at = 0;
    for number in 0..3000 {
        assert_eq!(code[at].imm, number);
        assert_eq!(code[leads_to(&code, at)].imm, number);
        at += if code[at + 1].code == 5 { 3 } else { 1 };
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Jumps of all kinds between labels that are about as far away as 16 bits reach.
    #[test]
    fn every_jump_leads_where_its_label_is(
        gaps in proptest::collection::vec(prop_oneof![0usize..4, 16380usize..16390, 32760usize..32770], 3..6),
        jumps in proptest::collection::vec((0usize..6, 0usize..6, 0usize..4), 1..12),
    ) {
        let mut text = String::from("f:\n");
        for (block, gap) in gaps.iter().enumerate() {
            text.push_str(&format!("l{block}:\n"));
            for (_, to, kind) in jumps.iter().filter(|(from, ..)| from % gaps.len() == block) {
                let to = to % gaps.len();
                // The number says which label is meant.
                text.push_str(&match kind {
                    0 => format!("\tr3 = {to}\n\tgoto l{to}\n"),
                    1 => format!("\tr3 = {to}\n\tif r1 s> 5 goto l{to}\n"),
                    2 => format!("\tr3 = {to}\n\tjset32 %r1,%r2,l{to}\n"),
                    _ => format!("\tr3 = {to}\n\tmay_goto l{to}\n"),
                });
            }
            text.push_str(&filler(*gap));
        }
        text.push_str("\texit\n\t.data\n");
        for block in 0..gaps.len() {
            text.push_str(&format!("\t.quad l{block} - f\n"));
        }
        let object = relaxed(&text);
        let code = slots(&section(&object, ".text"));
        let places: Vec<usize> = section(&object, ".data")
            .chunks_exact(8)
            .map(|place| u64::from_le_bytes(place.try_into().expect("eight")) as usize / 8)
            .collect();
        let mut seen = 0;
        for (at, slot) in code.iter().enumerate() {
            if slot.code == 0xb7 && slot.dst == 3 {
                prop_assert_eq!(leads_to(&code, at + 1), places[slot.imm as usize]);
                seen += 1;
            }
        }
        prop_assert_eq!(seen, jumps.len());
        // What reaches is left as it is.
        if let Ok(plain) = run(&text, |options| options.relax = false) {
            prop_assert_eq!(plain.bytes, object.bytes);
        }
    }
}
