//! C prototypes as the tables have them: taken apart, compared, and put into the words of an API file.

/// A prototype.
#[derive(Debug, Clone)]
pub(super) struct Prototype {
    pub(super) returns: String,
    pub(super) name: String,
    pub(super) params: Vec<Param>,
}

/// A parameter, as declared.
#[derive(Debug, Clone)]
pub(super) struct Param {
    pub(super) text: String,
}

impl Param {
    /// Its name: the word after the type, inside the parentheses of a pointer to a function.
    pub(super) fn name(&self) -> &str {
        let text = match self.text.split_once("(*") {
            Some((_, rest)) => rest.split(')').next().unwrap_or(rest),
            None => self.text.as_str(),
        };
        text.rsplit(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).next().unwrap_or(text)
    }

    /// Its type without what a call does not see: names, `const`, and what the kernel calls the structs
    /// that programs declare.
    fn shape(&self) -> String {
        let name = self.name();
        let ty = match self.text.rfind(name) {
            Some(at) if !self.text.contains("(*") => &self.text[..at],
            _ => return "function".to_owned(),
        };
        shape(ty)
    }

    pub(super) fn is_pointer(&self) -> bool {
        self.text.contains('*') && !self.text.contains("(*")
    }

    /// What its name says of its contract: the endings after `__`.
    fn suffix(&self) -> &str {
        self.name().find("__").map_or("", |at| &self.name()[at..])
    }

    /// The same with another name.
    pub(super) fn renamed(&self, name: &str) -> Param {
        let old = self.name();
        let at = self.text.rfind(old).unwrap_or(self.text.len());
        Param { text: format!("{}{name}", &self.text[..at]) }
    }
}

fn shape(ty: &str) -> String {
    let words: Vec<&str> = ty.split_whitespace().filter(|word| *word != "const").collect();
    words
        .join(" ")
        .replace("bpf_dynptr_kern", "bpf_dynptr")
        .replace("__sk_buff", "sk_buff")
        .replace("xdp_buff", "xdp_md")
        .replace("unsigned int", "u32")
        .replace("__u", "u")
        .replace("long int", "long")
        .replace(' ', "")
}

impl Prototype {
    pub(super) fn parse(text: &str) -> Option<Prototype> {
        let text = text.trim().trim_end_matches(';');
        let open = text.find('(')?;
        let head = text[..open].trim_end();
        let name_at = head.rfind(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))? + 1;
        let inside = text[open + 1..].strip_suffix(')')?;
        let mut params = Vec::new();
        let (mut depth, mut start) = (0, 0);
        for (at, c) in inside.char_indices() {
            match c {
                '(' => depth += 1,
                ')' => depth -= 1,
                ',' if depth == 0 => {
                    params.push(Param { text: inside[start..at].trim().to_owned() });
                    start = at + 1;
                }
                _ => {}
            }
        }
        params.push(Param { text: inside[start..].trim().to_owned() });
        params.retain(|param| !param.text.is_empty() && param.text != "void");
        Some(Prototype {
            returns: head[..name_at].trim().to_owned(),
            name: head[name_at..].to_owned(),
            params,
        })
    }

    /// Without the argument that the host fills in and some builds forgot to hide.
    pub(super) fn without_aux(mut self) -> Prototype {
        if self.params.last().is_some_and(|last| last.text.ends_with("bpf_prog_aux *aux")) {
            self.params.pop();
        }
        self
    }

    /// What an older one said of the argument that the host fills in, where this one does not name it
    /// any more: nothing changes for programs.
    pub(super) fn with_aux_of(mut self, old: &Prototype) -> Prototype {
        if let Some(aux) = old.params.last().filter(|last| last.name() == "aux__prog")
            && old.params.len() == self.params.len() + 1
        {
            self.params.push(aux.clone());
        }
        self
    }

    /// Whether a call of one is a call of the other.
    pub(super) fn same_call(&self, other: &Prototype) -> bool {
        shape(&self.returns) == shape(&other.returns)
            && self.params.len() == other.params.len()
            && self.params.iter().zip(&other.params).all(|(a, b)| a.shape() == b.shape())
    }

    /// Whether the contract in the names of parameters is the same, too.
    pub(super) fn same(&self, other: &Prototype) -> bool {
        self.same_call(other)
            && self.params.iter().zip(&other.params).all(|(a, b)| a.suffix() == b.suffix())
    }

    /// The names of this one with the types of a newer one, whose call is the same: how a struct is called
    /// in the kernel's own types, and `const`, are no part of what a program calls.
    pub(super) fn spelled_as(&mut self, newer: &Prototype) {
        self.returns.clone_from(&newer.returns);
        for (old, new) in self.params.iter_mut().zip(&newer.params) {
            if !new.text.contains("(*") {
                *old = new.renamed(old.name());
            }
        }
    }

    /// What changed from an older one, in words.
    pub(super) fn difference(&self, old: &Prototype) -> String {
        let mut found = Vec::new();
        if self.params.len() != old.params.len() {
            let arguments = |count: usize| match count {
                1 => "1 argument".to_owned(),
                count => format!("{count} arguments"),
            };
            found.push(format!(
                "takes {}, not {}",
                arguments(self.params.len()),
                arguments(old.params.len())
            ));
        } else {
            for (new, old) in self.params.iter().zip(&old.params) {
                if new.shape() != old.shape() {
                    found.push(format!("takes `{}`, not `{}`", new.text, old.text));
                } else if new.suffix() != old.suffix() {
                    found.push(format!("`{}` was `{}`", new.name(), old.name()));
                }
            }
        }
        if shape(&self.returns) != shape(&old.returns) {
            found.push(format!("returns `{}`, not `{}`", self.returns, old.returns));
        }
        found.join("; ")
    }

    /// As the API file writes it: enums that only the kernel knows are integers there.
    pub(super) fn declare(&self) -> String {
        let spelled = |text: &str| {
            let text = text.replace("long int", "long").replace("bpf_dynptr_kern", "bpf_dynptr");
            match text.split_once("enum ") {
                Some((before, rest)) => {
                    let after = rest.find(' ').map_or("", |at| &rest[at..]);
                    format!("{before}u32{after}")
                }
                None => text,
            }
        };
        let params: Vec<String> = self.params.iter().map(|param| spelled(&param.text)).collect();
        let params = if params.is_empty() { "void".to_owned() } else { params.join(", ") };
        let returns = spelled(&self.returns);
        let returns = returns.trim_end();
        let space = if returns.ends_with('*') { "" } else { " " };
        format!("{returns}{space}{}({params})", self.name)
    }
}
