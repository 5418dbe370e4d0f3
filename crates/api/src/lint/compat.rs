//! Law 6, as far as it goes without a verifier: a compat body assembles, and calls what its node has.

use abide_diag::Diagnostic;

use crate::bind::codes::L_COMPAT;
use crate::link::assemble_compat;
use crate::model::Api;

/// Assembles every compat body; the errors point into it.
pub(super) fn bodies(api: &Api, found: &mut Vec<Diagnostic>) {
    for id in api.ids() {
        let Some(body) = &api.definition(id).compat else { continue };
        let Err(errors) = assemble_compat(api, id) else { continue };
        for error in errors {
            let start = body.span.start;
            let (span, label) = match &error.primary {
                Some(primary) => {
                    let inside = start + primary.span.start..start + primary.span.end;
                    (inside, primary.text.clone())
                }
                None => (body.span.clone(), String::new()),
            };
            let message =
                format!("the compat body of {} cannot be used: {}", api.label(id), error.message);
            let mut diagnostic = Diagnostic::error(&L_COMPAT, message).at(span, label);
            if error.code != &L_COMPAT {
                diagnostic = diagnostic.note(format!("{}: {}", error.code, error.code.title));
            }
            diagnostic.helps.extend(error.helps);
            found.push(diagnostic);
        }
    }
}
