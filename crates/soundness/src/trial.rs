//! One program: proved, and if it is, run on many inputs beside its proof. What must not happen is a
//! trap, or a contradiction.

use std::sync::Arc;

use abide_api::{Api, Binding, HostProfile, Requirements};
use abide_isa::Raw;
use abide_maps::MapKind;
use abide_object::Object;
use abide_runtime::{Host, LoadError, Loaded, Trap, codes};

use crate::random::Random;

/// The most instructions of a run.
const FUEL: u64 = 1 << 18;

/// What came of a program.
#[derive(Debug)]
pub enum Outcome {
    /// It is not bound, or not linked: it says nothing.
    Invalid,
    /// It is not proved; the code.
    Refused(&'static str),
    /// It is proved, and ran so many times, some of them to an end that the host is to blame for.
    Ran {
        /// How often.
        runs: u64,
        /// Runs that ran out of fuel, or whose body failed.
        ended: u64,
    },
    /// It is proved, and should not have been.
    Failed(Box<Failure>),
}

/// A program that was proved, and what went wrong.
#[derive(Debug)]
pub struct Failure {
    /// What ended the run.
    pub trap: Trap,
    /// The seed of the inputs.
    pub seed: u64,
    /// The packet.
    pub packet: Vec<u8>,
}

impl Failure {
    /// The proof says otherwise, though nothing bad happened.
    #[must_use]
    pub fn is_contradiction(&self) -> bool {
        self.trap.code().id == codes::T_CONTRADICTION.id
    }
}

/// A host on which programs are tried.
#[derive(Debug)]
pub struct Bench {
    api: Arc<Api>,
    host: Host,
}

impl Bench {
    /// For Linux at a node. What has no body here ends the run.
    ///
    /// # Errors
    /// The API has no such node.
    pub fn new(api: &Arc<Api>, node: &str) -> Result<Bench, String> {
        let profile = HostProfile::at(api, node).map_err(|error| error.to_string())?;
        let bodies: Vec<&str> = abide_runtime::linux::bodies().map(|(label, _)| label).collect();
        let native = api.ids().filter(|id| bodies.contains(&api.label(*id).as_str()));
        let missing = profile.clone().with_bodies(native).without_body();
        let mut builder = Host::builder(api).profile(profile).linux().paranoid().fuel(FUEL);
        for id in missing {
            builder = builder.raw(&api.label(id), |_| Err(Trap::body("no body")));
        }
        let builder = builder.map_bytes(1 << 20).clock(|| 1).trace(|_| {});
        let host = builder.build().map_err(|problems| problems.to_string())?;
        Ok(Bench { api: Arc::clone(api), host })
    }

    /// Binds the first program of an object, if it can be bound.
    fn bound(&self, object: &Object) -> Option<(Requirements, Binding)> {
        let needs = Requirements::of(object, std::slice::from_ref(&self.api)).ok()?;
        let binding =
            self.host.profile().bind_program(&needs, &needs.programs.first()?.name).ok()?;
        Some((needs, binding))
    }

    /// Binds, proves and loads a program, the first of the object.
    ///
    /// # Errors
    /// Why not.
    pub fn load(&self, object: &Object) -> Result<Loaded, Outcome> {
        let (needs, binding) = self.bound(object).ok_or(Outcome::Invalid)?;
        let (object, needs) = (Arc::new(object.clone()), Arc::new(needs));
        self.host.load_bound(object, needs, binding).map_err(|error| match error {
            LoadError::Unproved(refused) => {
                Outcome::Refused(refused.first().map_or("", |one| one.rejection.code.id))
            }
            _ => Outcome::Invalid,
        })
    }

    /// The instructions of the linked program, and which maps of the object they count, if it is linked.
    #[must_use]
    pub fn linked(&self, object: &Object) -> Option<(Vec<Raw>, Vec<usize>)> {
        let (needs, binding) = self.bound(object)?;
        let program = binding.link(object, &needs.programs.first()?.name).ok()?;
        let maps = program.maps.iter().map(|map| map.index()).collect();
        Some((program.slots, maps))
    }

    /// Tries a program with so many inputs.
    #[must_use]
    pub fn trial(&self, object: &Object, seed: u64, runs: u64) -> Outcome {
        let loaded = match self.load(object) {
            Ok(loaded) => loaded,
            Err(outcome) => return outcome,
        };
        let Some(program) = loaded.programs().first() else { return Outcome::Invalid };
        let mut random = Random(seed ^ 0x9e37_79b9_7f4a_7c15 | 1);
        let (mut ran, mut ended) = (0, 0);
        let mut context = program.context();
        for _ in 0..runs {
            fill(&loaded, &mut random);
            let packet = packet(&mut random);
            context.packet(&packet);
            ran += 1;
            let Err(trap) = program.run(&mut context) else { continue };
            let host = [codes::T_FUEL.id, codes::T_BODY.id];
            if !host.contains(&trap.code().id) {
                return Outcome::Failed(Box::new(Failure { trap, seed, packet }));
            }
            ended += 1;
            // A program that does nothing else has been seen enough.
            if ended > 3 {
                break;
            }
        }
        Outcome::Ran { runs: ran, ended }
    }
}

/// Any bytes, or the begin of what programs look for.
fn packet(random: &mut Random) -> Vec<u8> {
    let most = [48, 120][random.below(2) as usize];
    let mut packet: Vec<u8> = (0..random.below(most)).map(|_| random.number() as u8).collect();
    let mut set = |at: usize, byte: u8| {
        if let Some(found) = packet.get_mut(at) {
            *found = byte;
        }
    };
    // Ethernet, IPv4 or IPv6, TCP or UDP.
    let (kind, version, protocol) =
        [([0x08, 0x00], 0x45, 23), ([0x86, 0xdd], 0x60, 20)][random.below(2) as usize];
    if random.below(2) == 0 {
        set(12, kind[0]);
        set(13, kind[1]);
        set(14, version);
        set(protocol, [6, 17][random.below(2) as usize]);
    }
    packet
}

/// Other contents for the maps that are written from outside.
fn fill(loaded: &Loaded, random: &mut Random) {
    for map in loaded.maps() {
        let def = map.def();
        let word = |random: &mut Random| match random.below(3) {
            0 => random.constant() as u64,
            1 => random.below(40),
            _ => random.number(),
        };
        if let Some(ring) = map.ring() {
            ring.drain(|_| {});
            continue;
        }
        if def.key_size != 4 || def.value_size > 1 << 12 || def.kind == MapKind::ProgArray {
            continue;
        }
        let value: Vec<u8> = (0..def.value_size.div_ceil(8))
            .flat_map(|_| word(random).to_ne_bytes())
            .take(def.value_size as usize)
            .collect();
        let key = random.below(u64::from(def.max_entries.clamp(1, 4))) as u32;
        // A map that takes no such value keeps what it has.
        let _ = map.set(&key.to_ne_bytes(), &value, 0);
    }
}
