//! Diagnostics as text, by `annotate-snippets`. Knows nothing but [`Diagnostic`].

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::{Diagnostic, Label, Severity, Source};

pub(crate) fn render(diagnostic: &Diagnostic, source: Option<&Source>, colour: bool) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(diagnostic.message.as_str()).id(diagnostic.code.id);
    let mut group = Group::with_title(title);
    match source {
        Some(source) if diagnostic.primary.is_some() || !diagnostic.secondary.is_empty() => {
            let mut snippet = Snippet::source(&*source.text).path(&*source.name);
            if let Some(label) = &diagnostic.primary {
                snippet = snippet.annotation(
                    AnnotationKind::Primary.span(clamp(label, source)).label(label.text.as_str()),
                );
            }
            for label in &diagnostic.secondary {
                snippet = snippet.annotation(
                    AnnotationKind::Context.span(clamp(label, source)).label(label.text.as_str()),
                );
            }
            group = group.element(snippet);
        }
        _ => {}
    }
    if let Some(place) = &diagnostic.place {
        group = group.element(annotate_snippets::Origin::path(place.as_str()));
    }
    for note in &diagnostic.notes {
        group = group.element(Level::NOTE.message(note.as_str()));
    }
    for help in &diagnostic.helps {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    renderer.render(&[group])
}

/// A span that lies inside the text and on character boundaries, whatever was asked for.
fn clamp(label: &Label, source: &Source) -> std::ops::Range<usize> {
    let floor = |mut at: usize| {
        at = at.min(source.text.len());
        while !source.text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let start = floor(label.span.start);
    start..floor(label.span.end).max(start)
}
