//! `cargo xtask linux-api --ask`: what the running kernel's verifier wants of the arguments of each helper,
//! into `apis/facts/helper_arguments.tsv`. A call that it accepts is loaded again with one argument
//! changed. Nothing is run, attached or pinned.
//!
//! What `apis/linux.api` says of an argument decides what is passed for it, and nothing else here.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use abide_api::ctype::CType;
use abide_api::model::{Api, DefKind, Param, Prototype, Suffix};
use abide_api::{Namespace, NodeId};
use abide_linux::Running;
use abide_linux::load::vehicle::Numbers;
use abide_testkit::bpf;

use self::code::{Code, Pass};
use self::worlds::{Maps, World};
use crate::{Failure, tree};

mod code;
mod worlds;

/// The table.
pub(super) const TABLE: &str = "helper_arguments.tsv";
/// The word by which this program calls itself without the right to see what the stack held before.
const PLAIN: &str = "--plain";

/// What is asked of an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Question {
    /// A pointer: may it be null?
    Null,
    /// A pointer whose size is the next argument: may it be null with the size 0?
    NullOfZero,
    /// A pointer: may it be to memory that is read-only?
    ReadOnly,
    /// A pointer: may it be to a packet?
    Packet,
    /// A pointer: may the memory be one that nothing was stored to?
    Raw,
    /// A size: may it be 0?
    Zero,
    /// A number: may it be another than 0?
    One,
    /// A number: may it be unknown when the program is loaded?
    Unknown,
}

impl Question {
    const ALL: [Question; 8] = [
        Question::Null,
        Question::NullOfZero,
        Question::ReadOnly,
        Question::Packet,
        Question::Raw,
        Question::Zero,
        Question::One,
        Question::Unknown,
    ];

    fn word(self) -> &'static str {
        match self {
            Question::Null => "null",
            Question::NullOfZero => "null_of_zero",
            Question::ReadOnly => "read_only",
            Question::Packet => "packet",
            Question::Raw => "raw",
            Question::Zero => "zero",
            Question::One => "one",
            Question::Unknown => "unknown",
        }
    }
}

/// The programs that answered yes, and no.
type Answers = BTreeMap<(String, String, Question), [BTreeSet<String>; 2]>;

/// Asks, and writes the table; `plain`: prints what is asked without rights, for the one who called.
pub(crate) fn run(plain: bool) -> Result<(), Failure> {
    let path = tree::root().join("apis/linux.api");
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let api = Api::parse("linux.api", &text).map_err(|errors| errors.to_string())?;
    if !bpf::permitted() {
        return Err("this needs a kernel that lets this process use bpf(2)".to_owned());
    }
    let (answers, asked, all) = ask(&api, plain)?;
    let mut table = lines(&answers);
    if plain {
        print!("{table}");
        return Ok(());
    }
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let output = Command::new("setpriv")
        .args(["--bounding-set=-perfmon,-sys_admin"])
        .arg(program)
        .args(["linux-api", "--ask", PLAIN])
        .output()
        .map_err(|error| format!("setpriv: {error}"))?;
    let more = String::from_utf8(output.stdout).map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(format!("setpriv: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let only = |line: &&str| line.contains("\traw\t");
    table.extend(more.lines().filter(only).map(|line| format!("{line}\n")));
    let mut rows: Vec<&str> = table.lines().collect();
    rows.sort_unstable();
    let text = format!("helper\tparameter\tquestion\tyes\tno\n{}\n", rows.join("\n"));
    let path = tree::root().join("apis/facts").join(TABLE);
    fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    let missing: Vec<&String> = all.difference(&asked).collect();
    println!("asked about {} of {} helpers; not about {missing:?}", asked.len(), all.len());
    Ok(())
}

fn lines(answers: &Answers) -> String {
    let list = |of: &BTreeSet<String>| of.iter().cloned().collect::<Vec<_>>().join(" ");
    let rows = answers.iter().map(|((helper, param, question), [yes, no])| {
        format!("{helper}\t{param}\t{}\t{}\t{}\n", question.word(), list(yes), list(no))
    });
    rows.collect()
}

type Names = BTreeSet<String>;

/// All answers, the helpers that were asked about, and all helpers with arguments.
fn ask(api: &Api, plain: bool) -> Result<(Answers, Names, Names), Failure> {
    let running = Running::read().map_err(|error| error.to_string())?;
    let node = running.release.as_ref().and_then(|release| release.node(api));
    let node = node.ok_or("the release of this kernel is no node of linux.api")?;
    let worlds = worlds::all(&running.types, api, node);
    let maps = Maps::new()?;
    let mut out = (Answers::new(), Names::new(), Names::new());
    for name in api.names(Namespace::Callable) {
        let Some(id) = api.lookup(Namespace::Callable, name, node) else { continue };
        let DefKind::Helper { number, prototype } = &api.definition(id).kind else { continue };
        if prototype.params.is_empty() {
            continue;
        }
        out.2.insert(name.to_owned());
        for world in &worlds {
            if api.right(id, world.program, "").is_none() {
                continue;
            }
            let helper = Helper { api, node, name, number: *number, prototype, world };
            if helper.ask(&maps, plain, &mut out.0) {
                out.1.insert(name.to_owned());
            }
        }
    }
    Ok(out)
}

/// One helper, called from one type of program.
struct Helper<'a> {
    api: &'a Api,
    node: NodeId,
    name: &'a str,
    number: u32,
    prototype: &'a Prototype,
    world: &'a World,
}

impl Helper<'_> {
    /// Finds a call that is accepted, and asks what may be changed of it.
    fn ask(&self, maps: &Maps, plain: bool, answers: &mut Answers) -> bool {
        let takes_map = self.prototype.params.iter().any(|param| param.has(Suffix::Map));
        let kinds = if takes_map { maps.len() } else { 1 };
        for map in 0..kinds {
            for variant in 0..worlds::VARIANTS {
                let Some(base) = self.arguments(variant) else { continue };
                if !self.loads(&base, maps, map) {
                    continue;
                }
                for (at, param) in self.prototype.params.iter().enumerate() {
                    for question in Question::ALL {
                        if plain != (question == Question::Raw) {
                            continue;
                        }
                        let Some(changed) = self.changed(&base, at, param, question) else {
                            continue;
                        };
                        let key = (self.name.to_owned(), param.base_name().to_owned(), question);
                        let yes = self.loads(&changed, maps, map);
                        let [yeses, noes] = answers.entry(key).or_default();
                        let set = if yes { yeses } else { noes };
                        set.insert(self.world.name.to_owned());
                    }
                }
                return true;
            }
        }
        false
    }

    /// What is passed for each parameter.
    fn arguments(&self, variant: usize) -> Option<Vec<Pass>> {
        let params = &self.prototype.params;
        let pass = |(at, param): (usize, &Param)| {
            let base = param.base_name();
            if param.has(Suffix::Map) {
                return Some(Pass::Map);
            }
            let to = match param.ty.unqualified() {
                CType::Pointer(to) => to.unqualified().clone(),
                CType::Int(_) | CType::Enum(_) if param.has(Suffix::Size) => {
                    return Some(Pass::Number(worlds::size(self.name)));
                }
                CType::Int(_) | CType::Enum(_) => return Some(Pass::Number(0)),
                CType::Named(_) => return Some(Pass::Number(0)),
                _ => return None,
            };
            let sized = params.get(at + 1).is_some_and(|next| next.has(Suffix::Size));
            if let CType::Struct(name) = &to {
                if name == "bpf_dynptr" {
                    let made = param.has(Suffix::Uninit)
                        || self.name.contains("_from_")
                        || self.name.contains("reserve");
                    return Some(if made { Pass::Raw(at) } else { Pass::Dynptr(at) });
                }
                if self.world.is_context(name) && at == 0 {
                    return Some(Pass::Context);
                }
                if let Some(code) = self.world.object(self.api, self.node, name, variant) {
                    return Some(code);
                }
                return Some(Pass::Memory(at));
            }
            match &to {
                CType::Void if at == 0 && matches!(base, "ctx" | "skb" | "regs") => {
                    Some(self.world.handle(self.name))
                }
                CType::Void if matches!(base, "sk" | "sock" | "bpf_socket") => {
                    let sock = self.world.object(self.api, self.node, "bpf_sock", variant);
                    Some(sock.filter(|_| variant < 2).unwrap_or(Pass::Context))
                }
                CType::Void if base == "inode" => {
                    self.world.object(self.api, self.node, "inode", variant)
                }
                CType::Function(..) => None,
                CType::Int(int) if int.spelling == "char" && !sized => Some(Pass::ReadOnly),
                _ if matches!(base, "callback_fn" | "callback_ctx") => None,
                // Memory of a map or of a packet only.
                _ if self.name == "bpf_dynptr_from_mem" => Some(Pass::Value),
                _ => Some(Pass::Memory(at)),
            }
        };
        params.iter().enumerate().map(pass).collect()
    }

    /// The same arguments with one changed, if the question makes sense for it.
    fn changed(
        &self,
        base: &[Pass],
        at: usize,
        param: &Param,
        question: Question,
    ) -> Option<Vec<Pass>> {
        let mut changed = base.to_vec();
        let memory = matches!(base[at], Pass::Memory(_) | Pass::Value);
        let pointer = memory
            || matches!(
                base[at],
                Pass::Load(_) | Pass::Checked(..) | Pass::Made(_) | Pass::Context | Pass::ReadOnly
            );
        let number = matches!(base[at], Pass::Number(_));
        let size = number && param.has(Suffix::Size);
        let sized = self.prototype.params.get(at + 1).is_some_and(|next| next.has(Suffix::Size));
        changed[at] = match question {
            Question::Null if pointer => Pass::Number(0),
            Question::NullOfZero if pointer && sized => {
                changed[at + 1] = Pass::Number(0);
                Pass::Number(0)
            }
            Question::ReadOnly if memory => Pass::ReadOnly,
            Question::Packet if memory => Pass::Packet(self.world.packet(self.api, self.node)?),
            Question::Raw if memory => Pass::Raw(at),
            Question::Zero if size => Pass::Number(0),
            Question::One if number && !size => Pass::Number(1),
            Question::Unknown if number => Pass::Unknown,
            _ => return None,
        };
        Some(changed)
    }

    fn loads(&self, arguments: &[Pass], maps: &Maps, map: usize) -> bool {
        let mut code = Code::new();
        code.call(self.number.cast_signed(), arguments);
        code.finish(self.name);
        let Numbers { program_type, attach_type, flags, target } = self.world.numbers;
        let found = maps.with(map);
        let program = bpf::Program {
            kind: program_type,
            attach: attach_type,
            flags,
            target,
            code: &code.bytes(),
            maps: &found,
        };
        bpf::load(&program).is_ok()
    }
}
