//! Statements with what has a state of its own: views of the packet and of records (dynptrs), iterators, elements of
//! maps, packets that move. Only the entry makes views and iterators: its frame has room for them.

use super::{KFUNC_CALLS, MAP, Maker, NUMBERS};
use crate::random::Random;

/// The kfuncs of the programs, by number.
pub(crate) const KFUNCS: &[&str] = &[
    "bpf_dynptr_from_xdp",
    "bpf_dynptr_slice",
    "bpf_dynptr_slice_rdwr",
    "bpf_dynptr_adjust",
    "bpf_dynptr_size",
    "bpf_dynptr_clone",
    "bpf_dynptr_is_null",
    "bpf_iter_num_new",
    "bpf_iter_num_next",
    "bpf_iter_num_destroy",
];

/// Where they lie in the frame: a view, a copy of it, a buffer of 64 bytes, an iterator.
const VIEW: u32 = 96;
const COPY: u32 = 112;
const BUFFER: u32 = 176;
const ITERATOR: u32 = 184;

fn kfunc(name: &str) -> String {
    let number = KFUNCS.iter().position(|one| *one == name).unwrap_or_default();
    format!("call {}", KFUNC_CALLS + number)
}

/// A callback of `bpf_for_each_map_elem`: the map, the key, the value, and the caller's stack.
pub(super) fn of_elements(random: &mut Random) -> String {
    let (off, end) = (random.below(10) & !random.below(8), random.below(2));
    let size = random.pick(&["u8", "u16", "u32", "u64"]);
    match random.below(3) {
        0 => format!(
            "r5 = *(u32 *)(r2 + 0)\nr1 = *({size} *)(r3 + {off})\nr2 = *(u64 *)(r4 + 8)\nr2 += r1\n\
             *(u64 *)(r4 + 8) = r2\n*(u64 *)(r3 + 0) = r5\nr0 = {end}\nexit\n"
        ),
        1 => format!(
            "r5 = *({size} *)(r3 + 0)\nr5 &= 63\nr4 += r5\n*(u8 *)(r4 + 0) = r5\nr0 = 0\n\
             if r5 > 7 goto end\nr0 = 1\nend:\nexit\n"
        ),
        _ => format!("r0 = *({size} *)(r4 + {off})\n*({size} *)(r3 + 0) = r0\nr0 &= 1\nexit\n"),
    }
}

impl Maker {
    /// The buffer of views.
    pub(super) fn buffer(&mut self) {
        for at in (BUFFER - 56..=BUFFER).step_by(8) {
            self.line(&format!("*(u64 *)(r10 - {at}) = r9"));
        }
    }

    pub(super) fn of_objects(&mut self) {
        match self.random.below(10) {
            0 | 1 if self.of == 0 => self.packet_view(),
            2 if self.of == 0 => self.record_view(),
            3 | 4 if self.of == 0 => self.iterate(),
            5 => self.elements(),
            6 => self.change_map(),
            7 => self.move_packet(),
            8 => self.copy_packet(),
            _ => self.arithmetic(),
        }
    }

    /// What calls leave of numbers.
    fn numbers_again(&mut self) {
        let by = self.random.constant();
        self.line(&format!("r0 = r9\nr3 = {by}"));
    }

    fn address(&mut self, reg: &str, at: u32) {
        self.line(&format!("{reg} = r10\n{reg} += -{at}"));
    }

    fn packet_view(&mut self) {
        self.line("r1 = r6\nr2 = 0");
        self.address("r3", VIEW);
        self.line(&kfunc("bpf_dynptr_from_xdp"));
        let mut copied = false;
        for _ in 0..self.random.below(4) + 1 {
            let view = if copied && self.random.below(2) == 0 { COPY } else { VIEW };
            match self.random.below(7) {
                0 | 1 => self.slice(view),
                2 if !copied => {
                    self.address("r1", VIEW);
                    self.address("r2", COPY);
                    self.line(&kfunc("bpf_dynptr_clone"));
                    copied = true;
                }
                3 => {
                    let (from, to) = (self.random.below(40), self.random.below(60));
                    self.address("r1", view);
                    self.line(&format!("r2 = {from}\nr3 = {to}"));
                    self.line(&kfunc("bpf_dynptr_adjust"));
                }
                4 => {
                    self.address("r1", view);
                    let name = self.random.pick(&["bpf_dynptr_size", "bpf_dynptr_is_null"]);
                    self.line(&kfunc(name));
                    self.line("r9 = r0");
                }
                _ => self.copy_view(view),
            }
        }
        self.numbers_again();
    }

    /// Where an access of so many bytes lies in a piece; rarely a little too far.
    fn within(&mut self, size: u64, width: u64) -> u64 {
        let slack = u64::from(self.random.below(10) == 0);
        self.random.below(size.saturating_sub(width) + 1 + slack)
    }

    /// A piece of the view, or the buffer.
    fn slice(&mut self, view: u32) {
        let skip = self.label();
        let size = self.random.below(64) + 1;
        let (access, width) = self.size();
        let off = self.within(size, width);
        let writes = self.random.below(2) == 0;
        let from = self.random.below(40);
        self.address("r1", view);
        if self.random.below(3) == 0 {
            self.line("r2 = r9\nr2 &= 63");
        } else {
            self.line(&format!("r2 = {from}"));
        }
        match self.random.below(3) {
            0 => self.line("r3 = 0"),
            _ => self.address("r3", BUFFER),
        }
        self.line(&format!("r4 = {size}"));
        self.line(&kfunc(if writes { "bpf_dynptr_slice_rdwr" } else { "bpf_dynptr_slice" }));
        self.line(&format!("if r0 == 0 goto {skip}"));
        if self.random.below(4) == 0 {
            // What changes the packet in between takes the piece away.
            self.line("*(u64 *)(r10 - 72) = r0");
            self.copy_view(view);
            self.line("r0 = *(u64 *)(r10 - 72)");
        }
        if self.random.below(3) == 0 {
            let mask = self.random.pick(&["1", "3", "7", "15"]);
            self.line(&format!("r1 = r9\nr1 &= {mask}\nr0 += r1"));
        }
        if writes && self.random.below(2) == 0 {
            self.line(&format!("*({access} *)(r0 + {off}) = r9"));
        } else {
            self.line(&format!("r9 = *({access} *)(r0 + {off})"));
        }
        self.line(&format!("{skip}:"));
    }

    fn copy_view(&mut self, view: u32) {
        let (size, off) = (self.random.below(65), self.random.below(40));
        if self.random.below(2) == 0 {
            self.address("r1", BUFFER);
            self.line(&format!("r2 = {size}"));
            self.address("r3", view);
            self.line(&format!("r4 = {off}\nr5 = 0\ncall 201"));
        } else {
            self.address("r1", view);
            self.line(&format!("r2 = {off}"));
            self.address("r3", BUFFER);
            self.line(&format!("r4 = {size}\nr5 = 0\ncall 202"));
        }
    }

    fn record_view(&mut self) {
        let size = self.random.below(80) + 1;
        self.line(&format!("{MAP} r1, 1, 2\nr2 = {size}\nr3 = 0"));
        self.address("r4", VIEW);
        self.line("call 198");
        for _ in 0..self.random.below(3) {
            if self.random.below(2) == 0 {
                self.copy_view(VIEW);
                continue;
            }
            let skip = self.label();
            let part = self.random.below(32) + 1;
            let (access, width) = self.size();
            let off = self.within(part, width);
            let from = self.random.below(40);
            self.address("r1", VIEW);
            self.line(&format!("r2 = {from}\nr3 = {part}\ncall 203\nif r0 == 0 goto {skip}"));
            if self.random.below(2) == 0 {
                self.line(&format!("*({access} *)(r0 + {off}) = r9"));
            } else {
                self.line(&format!("r9 = *({access} *)(r0 + {off})"));
            }
            self.line(&format!("{skip}:"));
        }
        let end = 199 + self.random.below(2);
        self.address("r1", VIEW);
        self.line(&format!("r2 = 0\ncall {end}"));
        self.numbers_again();
    }

    /// A loop over an iterator.
    fn iterate(&mut self) {
        let (again, end) = (self.label(), self.label());
        let from = self.random.below(8) as i64 - 3;
        let (known, to) = (self.random.below(2) == 0, self.random.below(24));
        self.address("r1", ITERATOR);
        match known {
            true => self.line(&format!("r2 = {from}\nr3 = {to}")),
            false => self.line(&format!("r2 = {from}\nw3 = w9\nw3 &= 31")),
        }
        self.line(&kfunc("bpf_iter_num_new"));
        self.line("r0 = r9\nr3 = 0");
        // What changes from round to round, in the stack and in a register.
        self.line("*(u64 *)(r10 - 72) = 0");
        self.line(&format!("{again}:"));
        self.address("r1", ITERATOR);
        self.line(&kfunc("bpf_iter_num_next"));
        self.line(&format!("if r0 == 0 goto {end}\nr4 = *(u32 *)(r0 + 0)\nr0 = r4\nr3 = r4"));
        for _ in 0..self.random.below(3) {
            self.arithmetic();
        }
        match self.random.below(5) {
            0 => self.line("r4 &= 31\nr2 = r7\nr2 += r4\nr5 = *(u64 *)(r2 + 8)\nr9 += r5"),
            1 => self.line("r5 = *(u64 *)(r10 - 72)\nr5 += 1\n*(u64 *)(r10 - 72) = r5"),
            2 => {
                // A count that the loop itself keeps in bounds.
                self.line(&format!(
                    "r5 = *(u64 *)(r10 - 72)\nif r5 > 40 goto {end}\nr2 = r7\nr2 += r5\n\
                     r9 = *(u64 *)(r2 + 0)\nr5 += 3\n*(u64 *)(r10 - 72) = r5"
                ));
            }
            3 => {
                let (reg, by) = (self.random.pick(&NUMBERS), self.random.constant());
                self.line(&format!("if {reg} s> {by} goto {again}\nr9 ^= r4"));
            }
            _ => {
                self.line("r4 &= 31\nr2 = r10\nr2 += -64\nr2 += r4\nr5 = *(u8 *)(r2 + 0)\nr9 |= r5")
            }
        }
        self.line(&format!("goto {again}\n{end}:"));
        if self.random.below(3) == 0 {
            // The count is what it may be after any number of rounds.
            self.line("r5 = *(u64 *)(r10 - 72)\nif r5 > 56 goto +3\nr2 = r7\nr2 += r5\nr9 = *(u64 *)(r2 + 0)");
        }
        self.address("r1", ITERATOR);
        self.line(&kfunc("bpf_iter_num_destroy"));
        self.numbers_again();
    }

    /// Every element of a map.
    fn elements(&mut self) {
        let (map, number) = (self.random.below(2), self.functions + 2);
        self.line(&format!(
            "{MAP} r1, 1, {map}\n{MAP} r2, 4, {number}\nr3 = r10\nr3 += -64\nr4 = 0"
        ));
        self.line("call 164");
        self.numbers_again();
    }

    fn change_map(&mut self) {
        let reg = self.bounded(4);
        self.line(&format!("*(u32 *)(r10 - 4) = {reg}\n*(u64 *)(r10 - 16) = r9"));
        self.line(&format!("{MAP} r1, 1, 1\nr2 = r10\nr2 += -4"));
        match self.random.below(2) {
            0 => self.line("r3 = r10\nr3 += -16\nr4 = 0\ncall 2"),
            _ => self.line("call 3"),
        }
        self.line("r3 = r0");
    }

    /// The packet is somewhere else afterwards.
    fn move_packet(&mut self) {
        let by = self.random.below(40) as i64 - 20;
        let call = self.random.pick(&["44", "54", "65"]);
        self.line(&format!("r1 = r6\nr2 = {by}\ncall {call}"));
        // Rarely it is not asked where.
        if self.random.below(12) > 0 {
            self.line("r8 = *(u32 *)(r6 + 0)");
        }
        self.line("r3 = r0");
    }

    fn copy_packet(&mut self) {
        let reg = self.bounded(32);
        let size = self.random.below(65);
        let call = 189 + self.random.below(2);
        self.line(&format!("r2 = {reg}\nr1 = r6\nr3 = r10\nr3 += -64\nr4 = {size}\ncall {call}"));
        self.line("r3 = r0");
    }
}
