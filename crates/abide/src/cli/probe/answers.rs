//! What the running kernel answered, beside what the API file says of its version.

use std::collections::BTreeMap;
use std::fmt::Write;

use abide::{Answer, Answers, Asked, HostProfile, Standing};
use abide_api::Namespace;
use abide_linux::load::Call;
use abide_linux::load::vehicle::section;
use serde::Serialize;

use super::names;
use crate::cli::ui::{Paint, count, plain};

/// All answers.
#[derive(Debug, Serialize)]
pub(super) struct AnswersJson {
    abilities: Vec<AskedJson>,
    programs: Vec<AskedJson>,
    maps: Vec<AskedJson>,
    calls: Vec<CallJson>,
}

#[derive(Debug, Serialize)]
struct AskedJson {
    name: String,
    /// `yes`, `no` or `unknown`.
    answer: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

#[derive(Debug, Serialize)]
struct CallJson {
    callee: String,
    attach: &'static str,
    program: &'static str,
    answer: &'static str,
    /// What the API file says of this version, if it knows the callee.
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<bool>,
}

fn word(answer: &Answer) -> &'static str {
    match answer {
        Answer::Yes => "yes",
        Answer::No => "no",
        Answer::Unknown(_) => "unknown",
    }
}

impl AnswersJson {
    pub(super) fn of(standing: &Standing, answers: &Answers) -> AnswersJson {
        let host = standing.host("running", standing.released());
        let asked = |all: &[Asked]| all.iter().map(AskedJson::of).collect();
        AnswersJson {
            abilities: asked(&answers.abilities),
            programs: asked(&answers.programs),
            maps: asked(&answers.maps),
            calls: answers
                .calls
                .iter()
                .map(|call| CallJson {
                    callee: call.callee.clone(),
                    attach: call.attach,
                    program: call.program,
                    answer: word(&call.answer),
                    expected: expected(&host, call),
                })
                .collect(),
        }
    }

    pub(super) fn text(&self, paint: Paint, out: &mut String) {
        let lists = [
            ("abilities", &self.abilities),
            ("program types", &self.programs),
            ("map types", &self.maps),
        ];
        for (what, list) in lists {
            let _ = writeln!(out, "\n{}, as the kernel answered", paint.head(what));
            for (answer, shown) in [("yes", "has"), ("no", "has not")] {
                let found: Vec<&str> = list
                    .iter()
                    .filter(|asked| asked.answer == answer)
                    .map(|asked| asked.name.as_str())
                    .collect();
                if !found.is_empty() {
                    let _ = writeln!(out, "  {shown}");
                    names(out, "    ", found.into_iter());
                }
            }
            for asked in list.iter().filter(|asked| asked.why.is_some()) {
                let why = plain(asked.why.as_deref().unwrap_or_default());
                let _ = writeln!(
                    out,
                    "  {}: {}",
                    asked.name,
                    paint.notice(&format!("not known: {why}"))
                );
            }
        }
        self.calls_text(paint, out);
    }

    fn calls_text(&self, paint: Paint, out: &mut String) {
        let how_many =
            |answer: &str| self.calls.iter().filter(|call| call.answer == answer).count();
        let _ = writeln!(
            out,
            "\n{}: {} asked, {} allowed, {} not known",
            paint.head("calls"),
            count(self.calls.len() as u64, "pair"),
            how_many("yes"),
            how_many("unknown"),
        );
        let mut differ: BTreeMap<(bool, &str), Vec<&str>> = BTreeMap::new();
        for call in &self.calls {
            let answered = match call.answer {
                "yes" => true,
                "no" => false,
                _ => continue,
            };
            if call.expected.is_some_and(|expected| expected != answered) {
                differ.entry((answered, &call.callee)).or_default().push(call.attach);
            }
        }
        for ((answered, callee), attached) in differ {
            let what = if answered { "allowed, though not by the API file" } else { "refused" };
            let _ = writeln!(out, "  {callee}: {} for {}", paint.notice(what), attached.join(", "));
        }
    }
}

impl AskedJson {
    fn of(asked: &Asked) -> AskedJson {
        let why = match &asked.answer {
            Answer::Unknown(why) => Some(why.clone()),
            _ => None,
        };
        AskedJson { name: asked.name.clone(), answer: word(&asked.answer), why }
    }
}

/// Whether programs of a type may call something on a host, as the API file says; `None` if the host
/// does not serve it.
fn expected(host: &HostProfile, call: &Call) -> Option<bool> {
    let api = host.api();
    let all = api.definitions_of(Namespace::Callable, &call.callee);
    let current = all.iter().rfind(|id| host.service(**id).is_ok())?;
    let right = api.right(*current, call.program, section(call.attach));
    Some(right.is_some_and(|right| right == *current || host.service(right).is_ok()))
}
