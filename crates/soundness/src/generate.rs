//! Random programs, structured so that many are accepted: arithmetic of both widths, branches, loops, spills,
//! map values, the packet, the stack at unknown places, calls, callbacks, atomics; views and iterators are next door.
//! Judges nothing.

use crate::random::Random;

mod objects;

pub(crate) use objects::KFUNCS;

const MAP: &str = "ld_pseudo";
/// Calls of these numbers and up are of functions of the program.
pub(crate) const CALLS: usize = 1_000_000;
/// Calls of these numbers and up are of kfuncs.
pub(crate) const KFUNC_CALLS: usize = 2_000_000;
/// Numbers live in r0, r1 to r5 and r9; r6 is the context, r7 the value of the array, r8 the packet.
const NUMBERS: [&str; 3] = ["r0", "r9", "r3"];
const CONDITIONS: [&str; 11] = ["==", "!=", ">", ">=", "<", "<=", "&", "s>", "s>=", "s<", "s<="];

/// The functions of a program as text; the first is the entry.
#[must_use]
pub fn program(seed: u64) -> Vec<String> {
    let mut random = Random(seed | 1);
    let functions = random.below(3) as usize;
    let mut texts = Vec::new();
    for of in 0..=functions {
        let seed = random.number() | 1;
        let (text, labels, depth) = (String::new(), 0, 0);
        texts.push(Maker { random: Random(seed), text, labels, depth, of, functions }.function());
    }
    texts.push(callback(&mut random));
    texts.push(objects::of_elements(&mut random));
    texts
}

/// A callback of `bpf_loop`: the number of the round, and 64 bytes of the caller's stack.
fn callback(random: &mut Random) -> String {
    let mask = [7, 15, 31, 63][random.below(4) as usize];
    let off = random.below(60);
    let cond = random.pick(&CONDITIONS);
    let (by, size) = (random.constant() % 100, random.pick(&["u8", "u16", "u32", "u64"]));
    let end = random.below(2);
    match random.below(3) {
        0 => format!(
            "r3 = *(u64 *)(r2 + 8)\nr3 += r1\n*(u64 *)(r2 + 8) = r3\nr0 = 0\n\
             if r3 {cond} {by} goto end\nr0 = {end}\nend:\nexit\n"
        ),
        1 => format!(
            "r1 &= {mask}\nr2 += r1\nr3 = *({size} *)(r2 + 0)\n*(u8 *)(r2 + 0) = r1\nr0 = 0\nexit\n"
        ),
        _ => format!(
            "r3 = *({size} *)(r2 + {off})\nr0 = 0\nif r3 {cond} {by} goto end\n\
             *({size} *)(r2 + {off}) = r1\nend:\nexit\n"
        ),
    }
}

struct Maker {
    random: Random,
    text: String,
    labels: u32,
    depth: u32,
    /// Which function it is, and how many there are besides the entry.
    of: usize,
    functions: usize,
}

impl Maker {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn label(&mut self) -> String {
        self.labels += 1;
        format!("l{}", self.labels)
    }

    fn function(mut self) -> String {
        self.line("r6 = r1");
        if self.of == 0 {
            self.line("*(u32 *)(r10 - 4) = 0");
            self.line("r2 = r10");
            self.line("r2 += -4");
            self.line(&format!("{MAP} r1, 1, 0"));
            self.line("call 1");
            self.line("if r0 == 0 goto out");
            self.line("r7 = r0");
            self.line("r8 = *(u32 *)(r6 + 0)");
            self.line("r0 = *(u32 *)(r7 + 8)");
            self.line("r9 = *(u64 *)(r7 + 16)");
        } else {
            // The context, the value, and two numbers.
            self.line("r7 = r2\nr8 = *(u32 *)(r6 + 0)\nr0 = r4\nr9 = r3");
        }
        self.line("r3 = 3");
        for at in (8..=64).step_by(8) {
            self.line(&format!("*(u64 *)(r10 - {at}) = r9"));
        }
        if self.of == 0 {
            self.buffer();
        }
        for _ in 0..self.random.below(12) + 2 {
            self.statement();
        }
        if self.random.below(2) == 0 {
            self.line("r0 = 1");
        }
        self.line("exit\nout:\nr0 = 2\nexit");
        self.text
    }

    /// A function of the program: later ones only, so that calls end.
    fn call(&mut self) {
        if self.of >= self.functions {
            return self.arithmetic();
        }
        let to = self.of + 1 + self.random.below((self.functions - self.of) as u64) as usize;
        let number = self.random.pick(&NUMBERS);
        self.line(&format!("r4 = r0\nr1 = r6\nr2 = r7\nr3 = {number}\ncall {}", CALLS + to));
        self.line("r3 = r0");
    }

    fn callback(&mut self) {
        let rounds = self.random.below(20);
        let number = self.functions + 1;
        self.line(&format!("r1 = {rounds}\n{MAP} r2, 4, {number}\nr3 = r10\nr3 += -64\nr4 = 0"));
        self.line("call 181\nr3 = r0");
    }

    fn atomic(&mut self) {
        let (reg, at) = (self.random.pick(&NUMBERS), self.random.below(8) * 8);
        let (base, at) = match self.random.below(3) {
            0 => ("r10", format!("- {}", at + 8)),
            _ => ("r7", format!("+ {at}")),
        };
        let wide = self.random.below(2) == 0;
        let size = if wide { "u64" } else { "u32" };
        let reg = if wide { reg.to_owned() } else { reg.replace('r', "w") };
        let op = self.random.pick(&["add", "and", "or", "xor"]);
        let sign = match op {
            "add" => "+=",
            "and" => "&=",
            "or" => "|=",
            _ => "^=",
        };
        match self.random.below(4) {
            0 => self.line(&format!("lock *({size} *)({base} {at}) {sign} {reg}")),
            1 => self.line(&format!("{reg} = atomic_fetch_{op}(({size} *)({base} {at}), {reg})")),
            2 if wide => self.line(&format!("{reg} = xchg_64({base} {at}, {reg})")),
            2 => self.line(&format!("{reg} = xchg32_32({base} {at}, {reg})")),
            _ if wide => self.line(&format!("r0 = cmpxchg_64({base} {at}, r0, {reg})")),
            _ => self.line(&format!("w0 = cmpxchg32_32({base} {at}, w0, {reg})")),
        }
    }

    /// A loop whose end is a number that is not known.
    fn bounded_loop(&mut self) {
        let (again, end) = (self.label(), self.label());
        let reg = self.bounded(8);
        let off = self.random.below(50);
        self.line(&format!(
            "*(u64 *)(r10 - 80) = {reg}\nr4 = 0\n{again}:\nr5 = *(u64 *)(r10 - 80)\nif r4 >= r5 goto {end}\n\
             r2 = r7\nr2 += r4\nr5 = *(u8 *)(r2 + {off})\n{reg} += r5\nr4 += 1\ngoto {again}\n{end}:"
        ));
    }

    fn arithmetic(&mut self) {
        let dst = self.random.pick(&NUMBERS);
        let dst = if self.random.below(2) == 0 { dst.to_owned() } else { dst.replace('r', "w") };
        let op = self.random.pick(&[
            "+=", "-=", "*=", "/=", "|=", "&=", "<<=", ">>=", "%=", "^=", "=", "s>>=", "s/=", "s%=",
        ]);
        let shift = op.contains("<<") || op.contains(">>");
        if self.random.below(2) == 0 || shift {
            let mut by = if shift { self.random.below(32) as i64 } else { self.random.constant() };
            if by == 0 && (op.contains('/') || op.contains('%')) {
                by = 7;
            }
            self.line(&format!("{dst} {op} {by}"));
        } else {
            let src = self.random.pick(&NUMBERS);
            let src = if dst.starts_with('r') { src.to_owned() } else { src.replace('r', "w") };
            self.line(&format!("{dst} {op} {src}"));
        }
    }

    fn condition(&mut self) -> String {
        let wide = self.random.below(2) == 0;
        let name = |name: &str| if wide { name.to_owned() } else { name.replace('r', "w") };
        let (a, b) = (self.random.pick(&NUMBERS), self.random.pick(&NUMBERS));
        let cond = self.random.pick(&CONDITIONS);
        if self.random.below(3) > 0 {
            format!("{} {cond} {}", name(a), self.random.constant())
        } else {
            format!("{} {cond} {}", name(a), name(b))
        }
    }

    /// A register is brought into a range, in one of the ways that compilers do it.
    fn bounded(&mut self, limit: u64) -> &'static str {
        let reg = NUMBERS[self.random.below(3) as usize];
        let wide = reg.replace('r', "w");
        match self.random.below(7) {
            0 => self.line(&format!("{reg} &= {}", limit - 1)),
            1 => self.line(&format!("{wide} &= {}", limit - 1)),
            2 => self.line(&format!("if {reg} > {} goto out", limit - 1)),
            3 => self.line(&format!("if {wide} >= {limit} goto out\n{wide} = {wide}")),
            4 => self.line(&format!("if {reg} s> {} goto out\nif {reg} s< 0 goto out", limit - 1)),
            5 => {
                // By a copy that is a constant away.
                let by = self.random.constant() % 1000;
                self.line(&format!("{wide} = {wide}\nr1 = {reg}\nr1 += {by}\nif r1 s> {} goto out\nif r1 s< {by} goto out", by + limit as i64 - 1));
            }
            _ => {
                // By a copy of 32 bits that wraps.
                let by = self.random.constant() % 1000;
                self.line(&format!(
                    "{wide} = {wide}\nw1 = {wide}\nw1 += {by}\nif w1 > {} goto out",
                    limit as i64 - 1
                ));
                self.line(&format!("if {reg} > {} goto out", limit - 1));
            }
        }
        reg
    }

    fn size(&mut self) -> (&'static str, u64) {
        [("u8", 1), ("u16", 2), ("u32", 4), ("u64", 8)][self.random.below(4) as usize]
    }

    /// Two paths that meet with different numbers, and then something that needs the number: what the
    /// first path proved must not be taken for proved on the second.
    fn joined(&mut self) {
        let (reg, condition) = (self.random.pick(&["r3", "r9"]), self.condition());
        let (other, end) = (self.label(), self.label());
        let far = if self.random.below(3) == 0 { 64 } else { 56 };
        let (a, b) = (self.random.below(57), self.random.below(far + 1));
        let spilled = self.random.below(2) == 0;
        self.line(&format!("if {condition} goto {other}\n{reg} = {a}\ngoto {end}"));
        self.line(&format!("{other}:\n{reg} = {b}\n{end}:"));
        if spilled {
            self.line(&format!("*(u64 *)(r10 - 72) = {reg}\n{reg} = 0"));
        }
        // Enough to save a state in between.
        for _ in 0..4 {
            let skip = self.label();
            let by = self.random.constant();
            self.line(&format!("r0 += 1\nif r0 == {by} goto {skip}\nr0 += 3\n{skip}:"));
        }
        if spilled {
            self.line(&format!("{reg} = *(u64 *)(r10 - 72)"));
        }
        self.line(&format!("r2 = r7\nr2 += {reg}\nr0 = *(u64 *)(r2 + 0)\nr0 &= 1023"));
    }

    fn statement(&mut self) {
        match self.random.below(32) {
            0..=4 => self.arithmetic(),
            5 | 6 if self.depth < 3 => {
                let condition = self.condition();
                let (other, end) = (self.label(), self.label());
                self.depth += 1;
                self.line(&format!("if {condition} goto {other}"));
                for _ in 0..self.random.below(3) {
                    self.statement();
                }
                self.line(&format!("goto {end}\n{other}:"));
                for _ in 0..self.random.below(3) {
                    self.statement();
                }
                self.line(&format!("{end}:"));
                self.depth -= 1;
            }
            7 => {
                // The value, at an index; sometimes a little too far.
                let slack = self.random.below(12);
                let reg = self.bounded(32);
                let (size, width) = self.size();
                let most = (64 - 31 - width + 1).saturating_sub(1);
                let off = if slack == 0 { self.random.below(64) } else { self.random.below(most) };
                self.line(&format!("r2 = r7\nr2 += {reg}"));
                if self.random.below(2) == 0 {
                    self.line(&format!("{reg} = *({size} *)(r2 + {off})"));
                } else {
                    self.line(&format!("*({size} *)(r2 + {off}) = {reg}"));
                }
            }
            8 => {
                // The packet.
                let reg = self.bounded(16);
                let (size, width) = self.size();
                let need = self.random.below(20);
                let off = self.random.below(need.saturating_sub(width) + 2);
                let cond = self.random.pick(&[">", ">="]);
                let (skip, base) =
                    (self.label(), if self.random.below(2) == 0 { "r8" } else { "r2" });
                self.line("r4 = *(u32 *)(r6 + 4)\nr2 = r8");
                self.line(&format!(
                    "r2 += {reg}\nr1 = {base}\nr1 += {need}\nif r1 {cond} r4 goto {skip}"
                ));
                self.line(&format!("{reg} = *({size} *)({base} + {off})\n{skip}:"));
            }
            9 => {
                // A spill and a fill, of all or of a part.
                let reg = self.random.pick(&NUMBERS);
                let (to, from) = (self.random.below(8) * 8 + 8, self.random.below(8) * 8 + 8);
                let (size, _) = self.size();
                let (part, width) = self.size();
                let within = self.random.below(8 / width) * width;
                self.line(&format!("*({size} *)(r10 - {to}) = {reg}"));
                let into = self.random.pick(&NUMBERS);
                self.line(&format!("{into} = *({part} *)(r10 - {})", from - within));
            }
            10 => {
                // The stack at an unknown place.
                let reg = self.bounded(32);
                let (size, width) = self.size();
                self.line(&format!(
                    "{reg} &= {}\nr2 = r10\nr2 += -64\nr2 += {reg}",
                    31 & !(width - 1)
                ));
                if self.random.below(2) == 0 {
                    self.line(&format!("{reg} = *({size} *)(r2 + 0)"));
                } else {
                    self.line(&format!("*({size} *)(r2 + 8) = r9"));
                }
            }
            11 => {
                let again = self.label();
                let times = self.random.below(6) + 1;
                self.line(&format!(
                    "r3 = 0\n{again}:\nr9 += r3\nr3 += 1\nif r3 < {times} goto {again}"
                ));
            }
            12 => {
                // A look-up of a key of the program.
                let reg = self.bounded(4);
                let skip = self.label();
                self.line(&format!("*(u32 *)(r10 - 4) = {reg}\nr2 = r10\nr2 += -4\n{MAP} r1, 1, 1\ncall 1\nif r0 == 0 goto {skip}"));
                let (size, width) = self.size();
                let off = self.random.below(9 - width);
                self.line(&format!("r9 = *({size} *)(r0 + {off})\n{skip}:\nr0 = 0\nr3 = r9"));
            }
            13 => {
                // A record of a ring buffer.
                let skip = self.label();
                let off = self.random.below(10);
                self.line(&format!(
                    "{MAP} r1, 1, 2\nr2 = 16\nr3 = 0\ncall 131\nif r0 == 0 goto {skip}"
                ));
                let call = 132 + self.random.below(2);
                self.line(&format!("*(u64 *)(r0 + {off}) = r9\nr1 = r0\nr2 = 0\ncall {call}\n{skip}:\nr0 = 5\nr3 = 9"));
            }
            24..=31 => self.of_objects(),
            14 | 15 => self.joined(),
            16 | 17 => self.call(),
            18 => self.callback(),
            19 | 20 => self.atomic(),
            21 => self.bounded_loop(),
            22 => {
                let reg = self.random.pick(&NUMBERS);
                let op = self.random.pick(&[
                    "be16", "be32", "be64", "le16", "le32", "bswap16", "bswap32", "bswap64", "-",
                ]);
                self.line(&format!("{reg} = {op}{}{reg}", if op == "-" { "" } else { " " }));
            }
            _ => {
                let (a, b) = (self.random.pick(&NUMBERS), self.random.pick(&NUMBERS));
                let size = self.random.pick(&["s8", "s16", "s32"]);
                self.line(&format!("{a} = ({size}){b}"));
            }
        }
    }
}
