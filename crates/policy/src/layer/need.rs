//! What must be so for a policy to hold, as far as its syntax tree says it plainly.
//!
//! A need is never more than the policy asks: if the policy holds for a request, so does its need. So a policy whose need
//! does not hold can be left out of the question. What a need does not understand, it does not ask for
//! ([`Need::Perhaps`]). It decides nothing; what is left in is put to Cedar.
//!
//! This rests on policies that cannot err, which is what the loader lets in: where a policy holds, each of its necessary
//! parts was evaluated and was true.

use cedar_policy::pst::{BinaryOp, Clause, EntityUID, Expr, Literal, PatternElem, UnaryOp, Var};
use cedar_policy::{Context, EvalResult};
use writ_model::EffectClass;

use crate::entities::Attribute as Value;
use crate::schema::{EFFECTS, KIND_NAMES, KINDS, effect_index};

/// How deep an expression is followed. What lies deeper is not understood.
const DEPTH: usize = 64;

/// How many different things are asked of the context. What is more is not understood.
const ASKED: usize = 256;

/// The members of the context that stay the same for a whole task, in the order of [`Seen::steady`].
pub(crate) const STEADY: [&str; 3] = ["environment", "kind", "supervision"];

/// What must be so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// Nothing is known.
    Perhaps,
    /// It cannot hold.
    Never,
    Told(Atom),
    Not(Atom),
    All(Vec<Self>),
    OneOf(Vec<Self>),
}

/// One thing that is so or not, told without Cedar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Atom {
    /// The action is one of these, as bits by effect.
    Action(u16),
    /// The resource's type is one of these, as bits by kind.
    Kind(u16),
    /// The principal is this, or belongs to it; a number of [`Names`].
    Principal(u32),
    /// The resource is this one.
    Resource { kind: usize, id: String },
    /// An attribute of the resource is there and passes.
    Attribute { name: String, test: Test },
    /// A member of the context that stays the same for a task, by its place in [`STEADY`].
    Steady { member: usize, test: Test },
    /// Something about the rest of the context; a number of [`Names`].
    Context(u32),
}

/// What is asked of a value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Test {
    There,
    True,
    Is(String),
    Starts(String),
    Ends(String),
}

/// Something about the context: a member, by its path, and what is asked of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct OfContext {
    path: Vec<String>,
    test: Test,
}

/// Numbers for what many policies name.
#[derive(Debug, Default)]
pub(crate) struct Names {
    principals: std::collections::HashMap<String, u32>,
    asked: Vec<OfContext>,
}

/// A request as needs look at it. What is `None` may still be anything.
#[derive(Clone, Copy)]
pub(crate) struct Seen<'a> {
    pub effect: usize,
    pub kind: usize,
    /// The numbers of all that the principal belongs to.
    pub belongs: &'a [u32],
    /// In the order of [`STEADY`].
    pub steady: [&'a str; STEADY.len()],
    pub resource: Option<SeenResource<'a>>,
    /// By number, what of the context is so.
    pub context: Option<&'a [bool]>,
}

/// The resource of a request.
#[derive(Clone, Copy)]
pub(crate) struct SeenResource<'a> {
    pub id: &'a str,
    pub attributes: &'a [(&'static str, Value<'a>)],
}

// === impl Need ===

impl Need {
    /// What the conditions of a policy need.
    pub fn of(clauses: &[Clause], names: &mut Names) -> Self {
        let parts = clauses.iter().map(|clause| match clause {
            Clause::When(expr) => read(expr, true, 0, names),
            Clause::Unless(expr) => read(expr, false, 0, names),
        });
        Self::all(parts.collect())
    }

    pub fn all(parts: Vec<Self>) -> Self {
        let mut found = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                Self::Perhaps => {}
                Self::Never => return Self::Never,
                Self::All(parts) => found.extend(parts),
                part @ (Self::Told(_) | Self::Not(_) | Self::OneOf(_)) => found.push(part),
            }
        }
        match found.len() {
            0 => Self::Perhaps,
            1 => found.pop().unwrap_or(Self::Perhaps),
            _ => Self::All(found),
        }
    }

    fn one_of(parts: Vec<Self>) -> Self {
        let mut found = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                Self::Perhaps => return Self::Perhaps,
                Self::Never => {}
                Self::OneOf(parts) => found.extend(parts),
                part @ (Self::Told(_) | Self::Not(_) | Self::All(_)) => found.push(part),
            }
        }
        match found.len() {
            0 => Self::Never,
            1 => found.pop().unwrap_or(Self::Never),
            _ => Self::OneOf(found),
        }
    }

    fn of_atom(atom: Atom, holds: bool) -> Self {
        if holds { Self::Told(atom) } else { Self::Not(atom) }
    }

    /// Whether it is so, or may be so as far as can be seen.
    pub fn may_hold(&self, seen: &Seen<'_>) -> bool {
        match self {
            Self::Perhaps => true,
            Self::Never => false,
            Self::Told(atom) => atom.holds(seen).unwrap_or(true),
            Self::Not(atom) => !atom.holds(seen).unwrap_or(false),
            Self::All(parts) => parts.iter().all(|part| part.may_hold(seen)),
            Self::OneOf(parts) => parts.iter().any(|part| part.may_hold(seen)),
        }
    }
}

// === impl Atom ===

impl Atom {
    /// None where it cannot be seen.
    fn holds(&self, seen: &Seen<'_>) -> Option<bool> {
        match self {
            Self::Action(bits) => Some(bits & (1 << seen.effect) != 0),
            Self::Kind(bits) => Some(bits & (1 << seen.kind) != 0),
            Self::Principal(number) => Some(seen.belongs.contains(number)),
            Self::Resource { kind, id } => match seen.resource {
                Some(resource) => Some(*kind == seen.kind && resource.id == id),
                None if *kind == seen.kind => None,
                None => Some(false),
            },
            Self::Attribute { name, test } => {
                let value = seen.resource?.attributes.iter().find(|(found, _)| found == name);
                Some(value.is_some_and(|(_, fact)| test.passes(fact)))
            }
            Self::Steady { member, test } => Some(test.passes_text(seen.steady.get(*member)?)),
            Self::Context(number) => seen.context?.get(usize::try_from(*number).ok()?).copied(),
        }
    }
}

// === impl Test ===

impl Test {
    fn passes(&self, fact: &Value<'_>) -> bool {
        match (self, fact) {
            (Self::There, Value::Flag(_) | Value::Text(_)) => true,
            (Self::True, Value::Flag(flag)) => *flag,
            (Self::True, Value::Text(_)) => false,
            (Self::Is(_) | Self::Starts(_) | Self::Ends(_), Value::Text(text)) => self.passes_text(text),
            (Self::Is(_) | Self::Starts(_) | Self::Ends(_), Value::Flag(_)) => false,
        }
    }

    fn passes_text(&self, text: &str) -> bool {
        match self {
            Self::There => true,
            Self::True => false,
            Self::Is(asked) => text == asked,
            Self::Starts(asked) => text.starts_with(asked.as_str()),
            Self::Ends(asked) => text.ends_with(asked.as_str()),
        }
    }
}

// === impl Names ===

impl Names {
    /// The number of something that principals belong to, by its whole name.
    pub fn principal(&mut self, name: String) -> u32 {
        let next = u32::try_from(self.principals.len()).unwrap_or(u32::MAX);
        *self.principals.entry(name).or_insert(next)
    }

    pub fn known_principal(&self, name: &str) -> Option<u32> {
        self.principals.get(name).copied()
    }

    fn context(&mut self, asked: OfContext) -> Option<u32> {
        let at = match self.asked.iter().position(|known| *known == asked) {
            Some(at) => at,
            None if self.asked.len() < ASKED => {
                self.asked.push(asked);
                self.asked.len() - 1
            }
            None => return None,
        };
        u32::try_from(at).ok()
    }

    /// By number, what is so in a context.
    pub fn told_by(&self, context: &Context) -> Vec<bool> {
        self.asked.iter().map(|asked| asked.is_so(context)).collect()
    }
}

// === impl OfContext ===

impl OfContext {
    fn is_so(&self, context: &Context) -> bool {
        let Some((first, rest)) = self.path.split_first() else { return false };
        let mut value = context.get(first);
        for name in rest {
            value = match value {
                Some(EvalResult::Record(record)) => record.get(name).cloned(),
                _ => None,
            };
        }
        match (value, &self.test) {
            (None, _) => false,
            (Some(_), Test::There) => true,
            (Some(EvalResult::Bool(flag)), Test::True) => flag,
            (Some(EvalResult::String(text)), test) => test.passes_text(&text),
            (Some(_), _) => false,
        }
    }
}

/// What it needs for `expr` to be `wanted`.
fn read(expr: &Expr, wanted: bool, depth: usize, names: &mut Names) -> Need {
    if depth > DEPTH {
        return Need::Perhaps;
    }
    let next = depth + 1;
    match expr {
        Expr::Literal(Literal::Bool(value)) if *value == wanted => Need::Perhaps,
        Expr::Literal(Literal::Bool(_)) => Need::Never,
        Expr::UnaryOp { op: UnaryOp::Not, expr } => read(expr, !wanted, next, names),
        Expr::BinaryOp { op: BinaryOp::And, left, right } => {
            let parts = vec![read(left, wanted, next, names), read(right, wanted, next, names)];
            if wanted { Need::all(parts) } else { Need::one_of(parts) }
        }
        Expr::BinaryOp { op: BinaryOp::Or, left, right } => {
            let parts = vec![read(left, wanted, next, names), read(right, wanted, next, names)];
            if wanted { Need::one_of(parts) } else { Need::all(parts) }
        }
        Expr::IfThenElse { cond, then_expr, else_expr } => {
            let then = vec![read(cond, true, next, names), read(then_expr, wanted, next, names)];
            let other = vec![read(cond, false, next, names), read(else_expr, wanted, next, names)];
            Need::one_of(vec![Need::all(then), Need::all(other)])
        }
        Expr::BinaryOp { op: BinaryOp::Eq, left, right } => equal(left, right, wanted, names),
        Expr::BinaryOp { op: BinaryOp::NotEq, left, right } => equal(left, right, !wanted, names),
        Expr::BinaryOp { op: BinaryOp::In, left, right } => within(left, right, wanted, names),
        Expr::BinaryOp { op: BinaryOp::Contains, left, right } => match left.as_ref() {
            Expr::Set(members) => {
                let parts: Vec<Need> =
                    members.iter().map(|member| equal(member, right, wanted, names)).collect();
                if wanted { Need::one_of(parts) } else { Need::all(parts) }
            }
            _ => Need::Perhaps,
        },
        Expr::Is { expr, entity_type, in_expr } => {
            let Expr::Var(var) = expr.as_ref() else { return Need::Perhaps };
            let kind = match var {
                Var::Resource => match kind_of(&entity_type.to_string()) {
                    Some(kind) => Need::of_atom(Atom::Kind(1 << kind), wanted),
                    None => Need::Perhaps,
                },
                Var::Principal | Var::Action | Var::Context => Need::Perhaps,
            };
            match in_expr {
                None => kind,
                Some(group) => {
                    let group = within(expr, group, wanted, names);
                    let parts = vec![kind, group];
                    if wanted { Need::all(parts) } else { Need::one_of(parts) }
                }
            }
        }
        Expr::Like { expr, pattern } => like(expr, pattern, wanted, names),
        Expr::GetAttr { .. } => tested(expr, Test::True, wanted, names),
        Expr::HasAttr { expr, attrs } => {
            let attrs: Vec<&str> = attrs.iter().map(|attr| attr.as_str()).collect();
            has(expr, &attrs, wanted, names)
        }
        _ => Need::Perhaps,
    }
}

/// `left == right`, where one of them is written out.
fn equal(left: &Expr, right: &Expr, wanted: bool, names: &mut Names) -> Need {
    let (value, literal) = match (left, right) {
        (value, Expr::Literal(literal)) => (value, literal),
        (Expr::Literal(literal), value) => (value, literal),
        _ => return Need::Perhaps,
    };
    match literal {
        Literal::String(text) => tested(value, Test::Is(text.to_string()), wanted, names),
        Literal::Bool(flag) => tested(value, Test::True, *flag == wanted, names),
        Literal::EntityUID(uid) => match value {
            Expr::Var(Var::Action) => action(std::slice::from_ref(uid), false, wanted),
            Expr::Var(Var::Resource) => resource(uid, wanted),
            // The agent itself; it belongs to itself.
            Expr::Var(Var::Principal) => principal(uid, wanted, names),
            _ => Need::Perhaps,
        },
        Literal::Long(_) => Need::Perhaps,
        _ => Need::Perhaps,
    }
}

/// `left in right`, where what it is in is written out.
fn within(left: &Expr, right: &Expr, wanted: bool, names: &mut Names) -> Need {
    let mut groups: Vec<EntityUID> = Vec::new();
    match right {
        Expr::Literal(Literal::EntityUID(uid)) => groups.push(uid.clone()),
        Expr::Set(members) => {
            for member in members {
                match member.as_ref() {
                    Expr::Literal(Literal::EntityUID(uid)) => groups.push(uid.clone()),
                    _ => return Need::Perhaps,
                }
            }
        }
        _ => return Need::Perhaps,
    }
    let parts: Vec<Need> = match left {
        Expr::Var(Var::Action) => return action(&groups, true, wanted),
        // Resources stand in no groups, so `in` can only hold for the resource itself.
        Expr::Var(Var::Resource) => groups.iter().map(|uid| resource(uid, wanted)).collect(),
        Expr::Var(Var::Principal) => groups.iter().map(|uid| principal(uid, wanted, names)).collect(),
        _ => return Need::Perhaps,
    };
    if wanted { Need::one_of(parts) } else { Need::all(parts) }
}

/// Actions by name; groups of them are left to Cedar.
fn action(named: &[EntityUID], in_groups: bool, wanted: bool) -> Need {
    let mut bits = 0;
    for uid in named {
        match EffectClass::ALL.into_iter().find(|effect| effect.name() == uid.eid) {
            Some(effect) => bits |= 1 << effect_index(effect),
            None if in_groups => return Need::Perhaps,
            None => {}
        }
    }
    Need::of_atom(Atom::Action(bits), wanted)
}

fn resource(uid: &EntityUID, wanted: bool) -> Need {
    match kind_of(&uid.ty.to_string()) {
        Some(kind) => Need::of_atom(Atom::Resource { kind, id: uid.eid.to_string() }, wanted),
        None if wanted => Need::Never,
        None => Need::Perhaps,
    }
}

fn principal(uid: &EntityUID, wanted: bool, names: &mut Names) -> Need {
    let number = names.principal(name_of(&uid.ty.to_string(), &uid.eid));
    Need::of_atom(Atom::Principal(number), wanted)
}

/// The whole name of an entity, as [`Names`] knows it.
pub(crate) fn name_of(kind: &str, id: &str) -> String {
    format!("{kind} {id}")
}

/// Which kind of resource a type is.
pub(crate) fn kind_of(name: &str) -> Option<usize> {
    let name = name.strip_prefix("Writ::")?;
    KIND_NAMES.iter().position(|kind| *kind == name)
}

/// A pattern, as far as it says how a text starts and ends.
fn like(expr: &Expr, pattern: &[PatternElem], wanted: bool, names: &mut Names) -> Need {
    let text = |elements: &mut dyn Iterator<Item = &PatternElem>| -> String {
        elements
            .map_while(|element| match element {
                PatternElem::Char(c) => Some(*c),
                PatternElem::Wildcard => None,
            })
            .collect()
    };
    let wildcards = pattern.iter().filter(|element| matches!(element, PatternElem::Wildcard)).count();
    let starts = text(&mut pattern.iter());
    let ends: String = text(&mut pattern.iter().rev()).chars().rev().collect();
    if wildcards == 0 {
        return tested(expr, Test::Is(starts), wanted, names);
    }
    // One wildcard at one end is exactly what the test says; any other pattern says more.
    let exact = wildcards == 1 && (starts.is_empty() || ends.is_empty());
    match (wanted, starts.is_empty(), ends.is_empty()) {
        (false, ..) if !exact => Need::Perhaps,
        (true, true, true) => Need::Perhaps,
        (false, true, true) => tested(expr, Test::Starts(String::new()), false, names),
        (_, false, true) => tested(expr, Test::Starts(starts), wanted, names),
        (_, true, false) => tested(expr, Test::Ends(ends), wanted, names),
        (_, false, false) => {
            let starts = tested(expr, Test::Starts(starts), wanted, names);
            Need::all(vec![starts, tested(expr, Test::Ends(ends), wanted, names)])
        }
    }
}

/// What is asked of an attribute of the resource or of a member of the context.
fn tested(expr: &Expr, test: Test, wanted: bool, names: &mut Names) -> Need {
    match path(expr) {
        Some((Var::Resource, path)) => match <[&str; 1]>::try_from(path) {
            Ok([name]) => Need::of_atom(Atom::Attribute { name: name.to_owned(), test }, wanted),
            Err(_) => Need::Perhaps,
        },
        Some((Var::Context, path)) => of_context(&path, test, wanted, names),
        Some((Var::Principal | Var::Action, _)) | None => Need::Perhaps,
    }
}

fn has(expr: &Expr, attrs: &[&str], wanted: bool, names: &mut Names) -> Need {
    match (path(expr), expr) {
        (Some((Var::Context, mut path)), _) => {
            path.extend(attrs);
            of_context(&path, Test::There, wanted, names)
        }
        (_, Expr::Var(Var::Resource)) => match attrs {
            [name] => Need::of_atom(Atom::Attribute { name: (*name).to_owned(), test: Test::There }, wanted),
            _ => Need::Perhaps,
        },
        (_, Expr::Var(Var::Context)) => of_context(attrs, Test::There, wanted, names),
        _ => Need::Perhaps,
    }
}

fn of_context(path: &[&str], test: Test, wanted: bool, names: &mut Names) -> Need {
    match path {
        // They change with every call, and are only there where a policy reads them.
        [] | ["budget" | "call" | "now", ..] => Need::Perhaps,
        [member] if STEADY.contains(member) => match STEADY.iter().position(|known| known == member) {
            Some(member) => Need::of_atom(Atom::Steady { member, test }, wanted),
            None => Need::Perhaps,
        },
        path => {
            let path = path.iter().map(|name| (*name).to_owned()).collect();
            match names.context(OfContext { path, test }) {
                Some(number) => Need::of_atom(Atom::Context(number), wanted),
                None => Need::Perhaps,
            }
        }
    }
}

/// `variable.a.b` as the variable and what follows.
fn path(expr: &Expr) -> Option<(Var, Vec<&str>)> {
    match expr {
        Expr::GetAttr { expr, attr } => {
            let (var, mut path) = match expr.as_ref() {
                Expr::Var(var) => (var.clone(), Vec::new()),
                inner => path(inner)?,
            };
            path.push(attr);
            Some((var, path))
        }
        _ => None,
    }
}

/// All effects, or all kinds.
pub(crate) const ALL_EFFECTS: u16 = (1 << EFFECTS) - 1;
pub(crate) const ALL_KINDS: u16 = (1 << KINDS) - 1;
