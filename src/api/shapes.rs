//! What the handle tells besides the [snapshot](crate::sim::Snapshot), and where the TypeScript types of all of it come
//! from: a test writes `www/package/ringside-shapes.d.ts`, so that what a Rust type says of itself is what people read.

use crate::sim::snapshot::Happening;
use serde::Serialize;

/// A place on the tape of a session.
#[derive(Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Position {
    /// The event that happened last, and the last one of the branch so far.
    pub event: u64,
    pub end: u64,
    /// Microseconds since the world began, here and at the end of the branch.
    pub elapsed_us: u64,
    pub end_us: u64,
    /// What comes next is recorded; acting here begins a branch.
    pub past: bool,
}

/// A notable thing, as `Playground.events` and `Playground.subscribe` tell it.
#[derive(Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Told<'a> {
    /// Counts all of them from 1.
    pub n: u64,
    /// Microseconds since the world began.
    pub at_us: u64,
    /// One line in English.
    pub text: String,
    pub what: &'a Happening,
}

/// A reply that came when its command was long over.
#[derive(Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct LateReply {
    pub node: String,
    /// As redis-cli prints it.
    pub text: String,
}

#[cfg(test)]
mod types {
    use super::{LateReply, Position, Told};
    use crate::sim::Snapshot;
    use std::collections::BTreeMap;
    use ts_rs::{Config, TS, TypeVisitor};

    const HEAD: &str = "\
// What the engine tells, made from the types of Rust that say it (`UPDATE=1 cargo test the_types_for_typescript`).

import type { Wide } from \"./ringside-engine.js\";
";

    /// Declarations with their documentation, by name.
    struct Declared {
        config: Config,
        types: BTreeMap<String, String>,
    }

    impl TypeVisitor for Declared {
        fn visit<T: TS + 'static + ?Sized>(&mut self) {
            // Numbers, strings and lists have no declaration: what they hold may have.
            if T::output_path().is_none() {
                return T::visit_generics(self);
            }
            let docs = docs(&T::docs().unwrap_or_default(), "");
            let text = format!("\n{docs}export {}\n", laid_out(&T::decl(&self.config)));
            if self.types.insert(T::ident(&self.config), text).is_none() {
                T::visit_dependencies(self);
            }
        }
    }

    /// The parts of a text between marks that stand in no braces, brackets or comments.
    fn split<'a>(text: &'a str, mark: &str) -> Vec<&'a str> {
        let (mut parts, mut from, mut depth, mut comment) = (Vec::new(), 0, 0, false);
        for (at, c) in text.char_indices() {
            let rest = &text[at..];
            comment = if comment {
                !rest.starts_with("*/")
            } else {
                rest.starts_with("/**")
            };
            match c {
                _ if comment => {}
                '{' | '[' | '<' => depth += 1,
                '}' | ']' | '>' => depth -= 1,
                _ if depth == 0 && rest.starts_with(mark) => {
                    parts.push(&text[from..at]);
                    from = at + mark.len();
                }
                _ => {}
            }
        }
        parts.push(&text[from..]);
        parts
            .iter()
            .map(|part| part.trim())
            .filter(|part| !part.is_empty())
            .collect()
    }

    /// A comment, on one line where it has but one.
    fn docs(comment: &str, indent: &str) -> String {
        let comment = comment.trim().replace("[`", "`").replace("`]", "`");
        let lines: Vec<&str> = comment.lines().collect();
        match lines[..] {
            [] => String::new(),
            [_, line, _] => format!(
                "{indent}/**{} */\n",
                line.trim_start().trim_start_matches('*')
            ),
            _ => lines
                .iter()
                .map(|line| format!("{indent}{line}\n"))
                .collect(),
        }
    }

    /// The fields between braces, a line for each.
    fn fields(object: &str, indent: &str) -> String {
        let inner = object.trim_start_matches('{').trim_end_matches('}');
        let lines = split(inner, ",").into_iter().map(|field| {
            let (comment, field) = match field.rsplit_once("*/") {
                Some((comment, field)) => (format!("{comment}*/"), field.trim()),
                None => (String::new(), field),
            };
            let field = field.replace("\"is\"", "is");
            format!("{}{indent}{field};\n", docs(&comment, indent))
        });
        lines.collect()
    }

    /// A declaration as people write it: an interface, or a line for each case of a union.
    fn laid_out(declaration: &str) -> String {
        let (name, body) = declaration
            .split_once(" = ")
            .expect("a type has a name and a body");
        let (name, body) = (name.trim_start_matches("type "), body.trim_end_matches(';'));
        match split(body, "|")[..] {
            [object] if object.starts_with('{') => {
                format!("interface {name} {{\n{}}}", fields(object, "  "))
            }
            [other] => format!("type {name} = {other};"),
            ref cases => {
                let lines = cases.iter().map(|case| match case {
                    object if object.contains("/**") => {
                        format!("\n  | {{\n{}    }}", fields(object, "      "))
                    }
                    object if object.starts_with('{') => {
                        let fields = fields(object, "")
                            .trim_end_matches(";\n")
                            .replace('\n', " ");
                        format!("\n  | {{ {fields} }}")
                    }
                    name => format!("\n  | {name}"),
                });
                format!("type {name} ={};", lines.collect::<String>())
            }
        }
    }

    #[test]
    fn the_types_for_typescript_are_those_of_the_engine() {
        let mut declared = Declared {
            config: Config::new().with_large_int("number"),
            types: BTreeMap::new(),
        };
        declared.visit::<Position>();
        declared.visit::<LateReply>();
        declared.visit::<Told<'static>>();
        declared.visit::<Snapshot>();
        let types: String = declared.types.into_values().collect();
        let fresh = format!("{HEAD}{types}");
        let file = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/www/package/ringside-shapes.d.ts"
        );
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(file, &fresh).expect("a recorded file can be written");
        }
        let recorded = std::fs::read_to_string(file).expect("the file is there");
        assert!(
            recorded == fresh,
            "{file} is another one: UPDATE=1 writes it\n{fresh}"
        );
    }
}
