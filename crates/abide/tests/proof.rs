//! What is proved never traps: random programs, structured so that many are accepted, run in the
//! checked interpreter on random packets. `ABIDE_PROOF_PROGRAMS=N` makes N instead of a few thousand.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write;
use std::sync::Arc;

use abide::{Api, Host, HostProfile, Object, Requirements, linux_api};
use abide_isa::Endian;
use abide_object::{
    Function, FunctionId, Linkage, Map, MapId, MapOrigin, Relocation, Stamp, Target,
};
use abide_verifier::{Limits, Options, prove};

/// A generator of numbers that is the same everywhere (xorshift64*).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len() as u64) as usize]
    }

    /// Numbers near borders more often than by chance.
    fn constant(&mut self) -> i64 {
        match self.below(6) {
            0 => self.below(16) as i64,
            1 => self.below(300) as i64 - 150,
            2 => 1 << self.below(31),
            3 => (1 << self.below(31)) - 1,
            4 => -(1 << self.below(31)),
            _ => i64::from(self.next() as i32),
        }
    }
}

const MAP: &str = "ld_pseudo";
/// Numbers live in r0, r1 to r5 and r9; r6 is the context, r7 the value of the array, r8 the packet.
const NUMBERS: [&str; 3] = ["r0", "r9", "r3"];
const CONDITIONS: [&str; 11] = ["==", "!=", ">", ">=", "<", "<=", "&", "s>", "s>=", "s<", "s<="];

struct Maker {
    random: Random,
    text: String,
    labels: u32,
    depth: u32,
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

    fn program(seed: u64) -> String {
        let mut maker =
            Maker { random: Random(seed | 1), text: String::new(), labels: 0, depth: 0 };
        maker.line("r6 = r1");
        maker.line("*(u32 *)(r10 - 4) = 0");
        maker.line("r2 = r10");
        maker.line("r2 += -4");
        maker.line(&format!("{MAP} r1, 1, 0"));
        maker.line("call 1");
        maker.line("if r0 == 0 goto out");
        maker.line("r7 = r0");
        maker.line("r8 = *(u32 *)(r6 + 0)");
        maker.line("r0 = *(u32 *)(r7 + 8)");
        maker.line("r9 = *(u64 *)(r7 + 16)");
        maker.line("r3 = 3");
        for at in (8..=64).step_by(8) {
            maker.line(&format!("*(u64 *)(r10 - {at}) = r9"));
        }
        for _ in 0..maker.random.below(12) + 2 {
            maker.statement();
        }
        maker.line("r0 = 1");
        maker.line("exit");
        maker.line("out:");
        maker.line("r0 = 2");
        maker.line("exit");
        maker.text
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
        match self.random.below(17) {
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
            14 | 15 => self.joined(),
            _ => {
                let (a, b) = (self.random.pick(&NUMBERS), self.random.pick(&NUMBERS));
                let size = self.random.pick(&["s8", "s16", "s32"]);
                self.line(&format!("{a} = ({size}){b}"));
            }
        }
    }
}

fn map(name: &str, kind: u32, key: u32, value: u32, entries: u32) -> Map {
    Map {
        name: name.to_owned(),
        origin: MapOrigin::Btf,
        kind,
        key_size: key,
        value_size: value,
        max_entries: entries,
        ..Map::empty()
    }
}

fn object(text: &str) -> Object {
    let assembled = abide_asm::assemble(text, &abide_asm::Options::default());
    let slots = assembled.unwrap_or_else(|errors| panic!("{errors:?}\n{text}")).slots;
    let relocations = (0..slots.len() as u32)
        .filter(|slot| slots[*slot as usize].code == 0x18)
        .map(|slot| Relocation {
            slot,
            target: Target::Map(MapId(slots[slot as usize].imm as u32)),
        })
        .collect();
    let function = Function {
        name: "random".to_owned(),
        section: "xdp".to_owned(),
        linkage: Linkage::Global,
        slots,
        relocations,
        lines: Vec::new(),
        proto: None,
        offset: 0,
    };
    let program = abide_object::Program {
        function: FunctionId(0),
        section: "xdp".to_owned(),
        autoload: true,
        program_type: None,
        attach_type: None,
        attach: None,
        sleepable: false,
        fragments: false,
        exception: None,
    };
    Object {
        endian: Endian::NATIVE,
        license: Some("GPL".to_owned()),
        version: None,
        stamps: vec![Stamp { api: "linux".to_owned(), node: "LINUX_6.12".to_owned() }],
        functions: vec![function],
        programs: vec![program],
        maps: vec![
            map("values", 2, 4, 64, 2),
            map("hash", 1, 4, 8, 16),
            map("ring", 27, 0, 0, 4096),
        ],
        externs: Vec::new(),
        arena: None,
        jump_tables: Vec::new(),
        btf: None,
        core: Vec::new(),
    }
}

/// Proves a random program and, if that succeeds, runs it; whether it was accepted.
fn trial(api: &Arc<Api>, host: &Host, seed: u64) -> bool {
    let text = Maker::program(seed);
    let object = object(&text);
    let needs = Requirements::of(&object, &[Arc::clone(api)]).unwrap();
    let binding = host.profile().bind(&needs).unwrap();
    let linked = binding.link(&object, "random").unwrap();
    let limits = Limits { instructions: 20_000, ..Limits::default() };
    let options = Options { limits, ..Options::new(host.profile().node()) };
    if prove(linked, &object, &options).is_err() {
        return false;
    }
    let loaded = host.load_bound(Arc::new(object), Arc::new(needs), binding).unwrap();
    let program = loaded.program("random").unwrap();
    let mut random = Random(seed ^ 0x9e37_79b9_7f4a_7c15 | 1);
    for _ in 0..12 {
        let value: Vec<u8> = (0..8)
            .flat_map(|_| {
                let word = match random.below(3) {
                    0 => random.constant() as u64,
                    1 => random.below(40),
                    _ => random.next(),
                };
                word.to_ne_bytes()
            })
            .collect();
        loaded.map("values").unwrap().set(&0_u32.to_ne_bytes(), &value, 0).unwrap();
        // Only maps that the program uses are made.
        let (key, hashed) = (random.below(4) as u32, random.next());
        if let Some(map) = loaded.map("hash") {
            map.set(&key.to_ne_bytes(), &hashed.to_ne_bytes(), 0).unwrap();
        }
        let packet: Vec<u8> = (0..random.below(48)).map(|_| random.next() as u8).collect();
        let mut context = program.context();
        context.packet(&packet);
        if let Err(trap) = program.run(&mut context) {
            let mut numbered = String::new();
            for line in text.lines() {
                let _ = writeln!(numbered, "    {line}");
            }
            panic!(
                "seed {seed:#x} was proved and traps: {trap}\nvalue {value:x?}\npacket {packet:x?}\n{numbered}"
            );
        }
    }
    true
}

#[test]
fn what_is_proved_does_not_trap() {
    let api = linux_api().unwrap();
    let profile = HostProfile::at(&api, "LINUX_6.12").unwrap();
    // What has no body here is not called.
    let bodies: Vec<&str> = abide_runtime::linux::bodies().map(|(label, _)| label).collect();
    let native = api.ids().filter(|id| bodies.contains(&api.label(*id).as_str()));
    let missing = profile.clone().with_bodies(native).without_body();
    let mut builder = Host::builder(&api).profile(profile).linux().checked();
    for id in missing {
        builder = builder.raw(&api.label(id), |_| Err(abide::Trap::body("no body")));
    }
    let host = builder.build().unwrap();
    let count: u64 = std::env::var("ABIDE_PROOF_PROGRAMS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(3_000);
    let start: u64 =
        std::env::var("ABIDE_PROOF_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let accepted = (start..start + count)
        .filter(|seed| trial(&api, &host, seed.wrapping_mul(0xd129_0d3c_8ebe_5a2f)))
        .count();
    println!("{accepted} of {count} programs were proved, each run 12 times");
    assert!(accepted as u64 > count / 10, "only {accepted} of {count} were proved");
}
