//! What only asking tells: programs and maps are given to the running kernel by `bpf(2)`, and its
//! answers are read. Nothing is attached or pinned, and nothing stays.
//!
//! An answer is yes, no, or not known: what the kernel refused for another reason than the one that was
//! asked about is no answer.

mod code;
mod maps;
mod sys;
pub mod vehicle;

use std::io;

use abide_api::{Api, Namespace};
use abide_diag::{Diagnostic, Report};
use abide_isa::Raw;

use self::code::{EXIT, ZERO};
use self::sys::{Load, Refused};
use self::vehicle::{Numbers, Vehicle};
use crate::codes::K_NOT_PERMITTED;
use crate::profile::Profile;

/// "Operation not permitted", as Linux says it.
const EPERM: i32 = 1;
/// "Invalid argument".
const EINVAL: i32 = 22;

/// What a kernel answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It does that.
    Yes,
    /// It does not.
    No,
    /// It did not say: why.
    Unknown(String),
}

/// What was asked about, and the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Its name in `linux.api`; of program types how it was attached, too.
    pub name: String,
    /// The answer.
    pub answer: Answer,
}

/// Whether programs of one type may call a helper or kfunc.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The helper or kfunc.
    pub callee: String,
    /// How the program was attached: `sched_cls`, `lsm.s`.
    pub attach: &'static str,
    /// The program type of `linux.api`.
    pub program: &'static str,
    /// The answer.
    pub answer: Answer,
}

/// All that the running kernel was asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answers {
    /// Instructions and features of the verifier.
    pub abilities: Vec<Asked>,
    /// Program types, by how they are attached.
    pub programs: Vec<Asked>,
    /// Map types.
    pub maps: Vec<Asked>,
    /// Who may call what, for the program types that can be loaded.
    pub calls: Vec<Call>,
}

/// Why a kernel could not be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// `bpf(2)` refuses even the smallest program.
    #[error("the kernel does not let this process load programs: {}", reason(*errno))]
    NotPermitted {
        /// The error number.
        errno: i32,
    },
}

impl Report for LoadError {
    fn report(&self) -> Diagnostic {
        Diagnostic::error(&K_NOT_PERMITTED, self.to_string())
            .note("loading needs CAP_BPF, and CAP_PERFMON and CAP_NET_ADMIN for some program types")
            .help("run it as root, or without --load: BTF alone tells most of it")
    }
}

/// Asks the running kernel, whose BTF the profile must be: ids of its types go to it.
///
/// # Errors
/// If this process may not load programs at all.
pub fn ask(profile: &Profile<'_>, api: &Api) -> Result<Answers, LoadError> {
    let smallest = load(&socket_filter(), &[ZERO, EXIT]);
    if let Err(Refused { errno, .. }) = smallest {
        return Err(LoadError::NotPermitted { errno });
    }
    let mut answers = Answers::default();
    for (name, programs) in code::ABILITIES {
        let answer = all(programs.iter().map(|program| accepts(program)));
        answers.abilities.push(Asked { name: (*name).to_owned(), answer });
    }
    for name in api.names(Namespace::Map) {
        answers.maps.push(Asked { name: name.to_owned(), answer: map(profile, name) });
    }
    for vehicle in vehicle::ALL {
        let numbers = vehicle.numbers(profile.btf());
        let answer = match &numbers {
            Ok(numbers) => program(numbers),
            Err(no) => no.clone(),
        };
        if let (Ok(numbers), Answer::Yes) = (&numbers, &answer) {
            calls(profile, vehicle, numbers, &mut answers.calls);
        }
        answers.programs.push(Asked { name: vehicle.name.to_owned(), answer });
    }
    Ok(answers)
}

/// The type that needs the fewest rights.
fn socket_filter() -> Numbers {
    Numbers { program_type: 1, attach_type: 0, flags: 0, target: 0 }
}

fn load(numbers: &Numbers, code: &[Raw]) -> Result<(), Refused> {
    sys::load(&Load {
        program_type: numbers.program_type,
        attach_type: numbers.attach_type,
        flags: numbers.flags,
        target: numbers.target,
        code,
    })
}

/// Yes if all are, no if one is, else not known.
fn all(answers: impl Iterator<Item = Answer>) -> Answer {
    answers.fold(Answer::Yes, |all, one| match (all, one) {
        (Answer::No, _) | (_, Answer::No) => Answer::No,
        (Answer::Unknown(why), _) | (_, Answer::Unknown(why)) => Answer::Unknown(why),
        (Answer::Yes, Answer::Yes) => Answer::Yes,
    })
}

/// The reason of the operating system, without its number.
fn reason(errno: i32) -> String {
    let text = io::Error::from_raw_os_error(errno).to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

fn unknown(errno: i32) -> Answer {
    Answer::Unknown(reason(errno))
}

/// Whether the verifier accepts a program that is right.
fn accepts(code: &[Raw]) -> Answer {
    match load(&socket_filter(), code) {
        Ok(()) => Answer::Yes,
        Err(refused) if refused.errno == EINVAL => Answer::No,
        Err(refused) => unknown(refused.errno),
    }
}

/// A program type is there when the verifier is reached: it writes its log.
fn program(numbers: &Numbers) -> Answer {
    match load(numbers, &[ZERO, EXIT]) {
        Ok(()) => Answer::Yes,
        Err(refused) if !refused.log.is_empty() => Answer::Yes,
        Err(refused) if refused.errno == EINVAL => Answer::No,
        Err(refused) => unknown(refused.errno),
    }
}

fn map(profile: &Profile<'_>, name: &str) -> Answer {
    let constant = format!("BPF_MAP_TYPE_{}", name.to_ascii_uppercase());
    let Some(kind) = profile.constant(&constant).and_then(|kind| u32::try_from(kind).ok()) else {
        return Answer::No;
    };
    let Some(create) = maps::how(name, kind) else {
        return Answer::Unknown("its values need BTF of their own".to_owned());
    };
    match sys::create(&create) {
        Ok(()) => Answer::Yes,
        Err(errno) if errno == EINVAL => Answer::No,
        Err(errno) => unknown(errno),
    }
}

/// Every helper and kfunc from one program type.
fn calls(profile: &Profile<'_>, vehicle: &Vehicle, numbers: &Numbers, out: &mut Vec<Call>) {
    let mut ask = |callee: &str, call: Raw| {
        out.push(Call {
            callee: callee.to_owned(),
            attach: vehicle.name,
            program: vehicle.program,
            answer: may_call(load(numbers, &[call, ZERO, EXIT])),
        });
    };
    for (name, number) in profile.helpers() {
        if let Ok(number) = i32::try_from(*number) {
            ask(name, code::helper(number));
        }
    }
    for (name, id) in profile.tagged_kfuncs() {
        if let Ok(id) = i32::try_from(id.0) {
            ask(name, code::kfunc(id));
        }
    }
}

/// What the verifier says first when a program calls what it may not. Whatever else it says comes after
/// that, so the call itself is allowed.
const FORBIDDEN: &[&str] = &[
    "unknown func",
    "invalid func",
    "cannot use helper",
    "is not allowed",
    "kernel btf_id",
    "calling kernel function is not",
];

fn may_call(result: Result<(), Refused>) -> Answer {
    match result {
        Ok(()) => Answer::Yes,
        Err(refused) if refused.log.trim().is_empty() => unknown(refused.errno),
        Err(refused) if FORBIDDEN.iter().any(|words| refused.log.contains(words)) => Answer::No,
        Err(refused) if refused.errno == EPERM => unknown(refused.errno),
        Err(_) => Answer::Yes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_follow_from_what_the_verifier_says() {
        let refused = |errno, log: &str| Err(Refused { errno, log: log.to_owned() });
        let yes = refused(13, "0: (85) call bpf_map_lookup_elem#1\nR2 !read_ok\n");
        assert_eq!(may_call(yes), Answer::Yes);
        assert_eq!(may_call(Ok(())), Answer::Yes);
        for log in [
            "unknown func bpf_redirect#23\n",
            "invalid func unknown#999\n",
            "program of this type cannot use helper bpf_redirect#23\n",
            "calling kernel function bpf_task_acquire is not allowed\n",
        ] {
            assert_eq!(may_call(refused(22, log)), Answer::No, "{log}");
        }
        assert!(matches!(may_call(refused(1, "")), Answer::Unknown(_)));
        let report = LoadError::NotPermitted { errno: 1 }.report();
        assert_eq!(report.code.id, "K0004");
    }

    #[test]
    fn one_no_is_a_no() {
        let unknown = Answer::Unknown("why".to_owned());
        assert_eq!(all([Answer::Yes, Answer::Yes].into_iter()), Answer::Yes);
        assert!(matches!(all([Answer::Yes, unknown.clone()].into_iter()), Answer::Unknown(_)));
        assert_eq!(all([unknown, Answer::No].into_iter()), Answer::No);
    }
}
