//! The text that is assembled: random instructions up to level v3, the same ones in both dialects.
//!
//! The mix is that of compiled programs: half of it arithmetic and moves, a quarter loads and
//! stores, an eighth conditional jumps, a label every 16 instructions.

use std::fmt::Write;

const ARITHMETIC: [(&str, &str); 9] = [
    ("add", "+="),
    ("sub", "-="),
    ("mul", "*="),
    ("or", "|="),
    ("and", "&="),
    ("lsh", "<<="),
    ("rsh", ">>="),
    ("xor", "^="),
    ("arsh", "s>>="),
];
const CONDITIONS: [(&str, &str); 6] =
    [("jeq", "=="), ("jne", "!="), ("jgt", ">"), ("jge", ">="), ("jlt", "<"), ("jsgt", "s>")];
const SIZES: [(u32, &str); 4] = [(8, "b"), (16, "h"), (32, "w"), (64, "dw")];

/// Instructions between two labels.
const BLOCK: usize = 16;

/// One program in both dialects.
pub(crate) struct Program {
    pub(crate) c: String,
    pub(crate) gnu: String,
}

/// A generator of numbers that are the same every time (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }

    fn immediate(&mut self) -> i64 {
        match self.below(3) {
            0 => self.below(256) as i64,
            1 => -1 - self.below(99) as i64,
            _ => self.below(1 << 31) as i64,
        }
    }
}

/// A program of so many instructions.
pub(crate) fn program(count: usize) -> Program {
    let head = "\t.text\n\t.globl f\n\t.type f,@function\nf:\n";
    let mut out = Program { c: head.to_owned(), gnu: head.to_owned() };
    let mut random = Random(1);
    for at in 0..count {
        if at.is_multiple_of(BLOCK) {
            out.line(format_args!("L{}:", at / BLOCK), format_args!("L{}:", at / BLOCK));
        }
        out.instruction(&mut random, at / BLOCK, count.div_ceil(BLOCK));
    }
    out.line(format_args!("\texit"), format_args!("\texit"));
    out
}

impl Program {
    fn line(&mut self, c: std::fmt::Arguments<'_>, gnu: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.c, "{c}");
        let _ = writeln!(self.gnu, "{gnu}");
    }

    fn instruction(&mut self, random: &mut Random, block: usize, blocks: usize) {
        let (d, s, imm) = (random.below(10), random.below(10), random.immediate());
        let (name, sign) = random.pick(&ARITHMETIC);
        let (size, suffix) = random.pick(&SIZES);
        let offset = (random.below(128) as i64 - 64) * 8;
        let (direction, distance) = (if offset < 0 { '-' } else { '+' }, offset.abs());
        match random.below(100) {
            0..15 => {
                self.line(format_args!("\tr{d} {sign} r{s}"), format_args!("\t{name} %r{d},%r{s}"))
            }
            15..25 => {
                self.line(format_args!("\tr{d} {sign} {imm}"), format_args!("\t{name} %r{d},{imm}"))
            }
            25..35 => self
                .line(format_args!("\tw{d} {sign} w{s}"), format_args!("\t{name}32 %r{d},%r{s}")),
            35..45 => self.line(format_args!("\tr{d} = r{s}"), format_args!("\tmov %r{d},%r{s}")),
            45..52 => {
                self.line(format_args!("\tw{d} = {imm}"), format_args!("\tmov32 %r{d},{imm}"));
            }
            52..68 => self.line(
                format_args!("\tr{d} = *(u{size} *)(r{s} {direction} {distance})"),
                format_args!("\tldx{suffix} %r{d},[%r{s}+{offset}]"),
            ),
            68..80 => self.line(
                format_args!("\t*(u{size} *)(r{d} {direction} {distance}) = r{s}"),
                format_args!("\tstx{suffix} [%r{d}+{offset}],%r{s}"),
            ),
            80..92 => {
                let (name, sign) = random.pick(&CONDITIONS);
                let target = (block + random.below(40) as usize).saturating_sub(20).min(blocks - 1);
                let with = imm.unsigned_abs() & 0xffff;
                match random.below(2) {
                    0 => self.line(
                        format_args!("\tif r{d} {sign} {with} goto L{target}"),
                        format_args!("\t{name} %r{d},{with},L{target}"),
                    ),
                    _ => self.line(
                        format_args!("\tif r{d} {sign} r{s} goto L{target}"),
                        format_args!("\t{name} %r{d},%r{s},L{target}"),
                    ),
                }
            }
            92..96 => {
                let helper = 1 + random.below(199);
                self.line(format_args!("\tcall {helper}"), format_args!("\tcall {helper}"));
            }
            96..98 => {
                let wide = random.below(1 << 63);
                self.line(format_args!("\tr{d} = {wide} ll"), format_args!("\tlddw %r{d},{wide}"));
            }
            _ => self.line(format_args!("\texit"), format_args!("\texit")),
        }
    }
}
