//! Small programs with one call in them: arguments are made, the helper is called, what it gave is given
//! back. `r6` keeps the context, `r7` to `r9` what was made for arguments. Which argument gets what is not
//! decided here.

use abide_isa::{Endian, Raw};

/// How much of the stack each argument has for its memory.
const AREA: i16 = 64;
/// Where the first argument's memory lies.
const LOWEST: i16 = -512;

/// What is passed for one parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Pass {
    /// The context.
    Context,
    /// A number.
    Number(i32),
    /// A number from 1 to 8 that is known only when the program runs.
    Unknown,
    /// The map that the call is tried with.
    Map,
    /// Memory on the stack, of the parameter at this place.
    Memory(usize),
    /// The same, to which nothing was stored.
    Raw(usize),
    /// A dynptr there.
    Dynptr(usize),
    /// Memory in a map.
    Value,
    /// Memory in a read-only map, all zero.
    ReadOnly,
    /// Memory of the packet, whose ends are in these fields of the context.
    Packet([Field; 2]),
    /// What loads from the context on lead to.
    Load(Vec<i16>),
    /// The same, checked for null, and then what the helper of this number makes of it.
    Checked(i16, Option<i32>),
    /// What a helper without arguments returns.
    Made(i32),
}

/// A field of the context: offset, and whether it has 64 bits.
pub(super) type Field = (i16, bool);

/// Instructions.
pub(super) struct Code {
    slots: Vec<Raw>,
}

const fn raw(code: u8, dst: u8, src: u8, off: i16, imm: i32) -> Raw {
    Raw { code, dst, src, off, imm }
}

const fn mov(dst: u8, src: u8) -> Raw {
    raw(0xbf, dst, src, 0, 0)
}

const fn number(dst: u8, imm: i32) -> Raw {
    raw(0xb7, dst, 0, 0, imm)
}

const fn load(dst: u8, src: u8, off: i16) -> Raw {
    raw(0x79, dst, src, off, 0)
}

const fn helper(number: i32) -> Raw {
    raw(0x85, 0, 0, 0, number)
}

const EXIT: Raw = raw(0x95, 0, 0, 0, 0);

fn area(at: usize) -> i32 {
    i32::from(LOWEST + AREA * at as i16)
}

impl Code {
    pub(super) fn new() -> Code {
        Code { slots: vec![mov(6, 1)] }
    }

    fn add(&mut self, slots: &[Raw]) {
        self.slots.extend_from_slice(slots);
    }

    /// A value of one of the maps that come with the program.
    fn value(&mut self, register: u8, map: i32) {
        self.add(&[raw(0x18, register, 6, 0, map), raw(0, 0, 0, 0, 0)]);
    }

    /// Ends the program here if a register is null.
    fn check(&mut self, register: u8) {
        self.add(&[raw(0x55, register, 0, 2, 0), number(0, 0), EXIT]);
    }

    pub(super) fn call(&mut self, callee: i32, arguments: &[Pass]) {
        for (at, pass) in arguments.iter().enumerate() {
            if matches!(pass, Pass::Memory(_)) {
                for slot in 0..AREA / 8 {
                    self.add(&[raw(0x7a, 10, 0, LOWEST + AREA * at as i16 + 8 * slot, 0)]);
                }
            }
        }
        let mut kept = 7..10;
        let mut places = Vec::new();
        for (at, pass) in arguments.iter().enumerate() {
            let made = match pass {
                Pass::Unknown
                | Pass::Packet(_)
                | Pass::Load(_)
                | Pass::Checked(..)
                | Pass::Made(_) => kept.next(),
                _ => None,
            };
            places.push(made);
            let register = made.unwrap_or(7);
            match pass {
                Pass::Unknown => self.add(&[
                    helper(7),
                    mov(register, 0),
                    raw(0x57, register, 0, 0, 7),
                    raw(0x07, register, 0, 0, 1),
                ]),
                Pass::Dynptr(_) => {
                    self.value(1, 2);
                    self.add(&[
                        number(2, 8),
                        number(3, 0),
                        mov(4, 10),
                        raw(0x07, 4, 0, 0, area(at)),
                        helper(197),
                    ]);
                }
                Pass::Packet([data, end]) => {
                    let code = |wide| if wide { 0x79 } else { 0x61 };
                    self.add(&[
                        raw(code(data.1), register, 6, data.0, 0),
                        raw(code(end.1), 2, 6, end.0, 0),
                        mov(1, register),
                        raw(0x07, 1, 0, 0, i32::from(AREA)),
                        // if r1 <= r2 goto +2
                        raw(0xbd, 1, 2, 2, 0),
                        number(0, 0),
                        EXIT,
                    ]);
                }
                Pass::Load(steps) => {
                    self.add(&[mov(register, 6)]);
                    steps.iter().for_each(|off| self.add(&[load(register, register, *off)]));
                }
                Pass::Checked(off, more) => {
                    self.add(&[load(register, 6, *off)]);
                    self.check(register);
                    if let Some(more) = more {
                        self.add(&[mov(1, register), helper(*more), mov(register, 0)]);
                        self.check(register);
                    }
                }
                Pass::Made(by) => self.add(&[helper(*by), mov(register, 0)]),
                _ => {}
            }
        }
        for (at, (pass, place)) in arguments.iter().zip(places).enumerate() {
            let register = at as u8 + 1;
            match (pass, place) {
                (_, Some(place)) => self.add(&[mov(register, place)]),
                (Pass::Context, _) => self.add(&[mov(register, 6)]),
                (Pass::Number(imm), _) => self.add(&[number(register, *imm)]),
                (Pass::Map, _) => self.add(&[raw(0x18, register, 5, 0, 0), raw(0, 0, 0, 0, 0)]),
                (Pass::ReadOnly, _) => self.value(register, 1),
                (Pass::Value, _) => self.value(register, 2),
                (Pass::Memory(at) | Pass::Raw(at) | Pass::Dynptr(at), _) => {
                    self.add(&[mov(register, 10), raw(0x07, register, 0, 0, area(*at))]);
                }
                _ => {}
            }
        }
        self.add(&[helper(callee)]);
    }

    /// Gives back what a helper gave the program to own, and ends.
    pub(super) fn finish(&mut self, name: &str) {
        let over = raw(0x15, 0, 0, 2, 0);
        match name {
            "bpf_sk_lookup_tcp" | "bpf_sk_lookup_udp" | "bpf_skc_lookup_tcp" => {
                self.add(&[over, mov(1, 0), helper(86)]);
            }
            "bpf_ringbuf_reserve" => {
                self.add(&[raw(0x15, 0, 0, 3, 0), mov(1, 0), number(2, 0), helper(133)]);
            }
            "bpf_ringbuf_reserve_dynptr" => {
                self.add(&[mov(1, 10), raw(0x07, 1, 0, 0, area(3)), number(2, 0), helper(200)]);
            }
            _ => {}
        }
        self.add(&[number(0, 0), EXIT]);
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let endian = if cfg!(target_endian = "big") { Endian::Big } else { Endian::Little };
        self.slots.iter().flat_map(|slot| slot.to_bytes(endian)).collect()
    }
}
