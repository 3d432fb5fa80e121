//! What a policy may say. Two promises are kept here by looking at its syntax tree, before it is ever used:
//!
//! - **It cannot err.** Cedar skips a policy that errs, so a `forbid` that errs would be no `forbid`. Strict validation
//!   rules out wrong types and missing attributes; what it leaves is arithmetic that overflows, dates out of range and
//!   attributes of entities that are not in the request. Those forms are refused.
//! - **More approval never allows less.** `context.approval` is read only where a yes can help: in the conditions of a
//!   `permit`, or in what lifts a `forbid`, and never below a comparison or as a whole.
//!
//! Both hold for every request and need no solver. The list of forms is an allow list: a form that is not named here
//! is refused.

use std::sync::Arc;

use cedar_policy::Policy;
use cedar_policy::pst::{BinaryOp, Clause, Effect, Expr, Literal, Policy as Tree, UnaryOp, Var};

/// How deep an expression may be nested; each operator of a chain and each clause nests by one. Cedar's evaluator needs about
/// 5 KiB of stack for a level and gives up when the stack runs low, which denies: threads of the door have 2 MiB, and this
/// is answered on a quarter of that.
const DEPTH: usize = 64;

/// The policy says something that no policy may say.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unsayable {
    #[error("`{0}` can overflow, and a policy that errs is skipped; compare with a constant instead")]
    Arithmetic(&'static str),
    #[error(
        "attributes of a fixed entity (`.{0}`) are not part of the request; use those of principal, resource or context"
    )]
    ForeignAttribute(String),
    #[error("`context` is used as a whole; name the member that is meant")]
    WholeContext,
    #[error(
        "`context.approval` is used as a whole; ask for `one_person`, `another_person`, `two_people` or `role`"
    )]
    WholeApproval,
    #[error(
        "a person's yes could turn an allow into a deny here; ask for approval only to allow, as `permit … when {{ \
         context has approval && context.approval.one_person }}` or the same in `forbid … unless`"
    )]
    AgainstApproval,
    #[error(
        "expressions are chained or nested deeper than {DEPTH}; write `[\"a\", \"b\"].contains(x)` in place of a chain of \
         `||`, or several policies in place of one"
    )]
    TooDeep,
    #[error("this form is not among those that are known to be safe")]
    UnknownForm,
    #[error("templates cannot be used here; write the policy out")]
    Template,
}

/// Checks one policy.
pub(crate) fn check(policy: &Policy) -> Result<(), Unsayable> {
    let Ok(Tree::Static(tree)) = policy.to_pst() else { return Err(Unsayable::Template) };
    let body = tree.body();
    let helps_when = match body.effect {
        Effect::Permit => Sign::Helps,
        Effect::Forbid => Sign::Hinders,
    };
    let clauses: Vec<_> = body.clauses().iter().collect();
    for clause in &clauses {
        match clause {
            Clause::When(expr) => boolean(expr, helps_when, clauses.len())?,
            Clause::Unless(expr) => boolean(expr, helps_when.turned(), clauses.len())?,
        }
    }
    Ok(())
}

/// What it does to the answer when an expression becomes true.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sign {
    Helps,
    Hinders,
    /// It is compared or chosen by; approval must not stand here.
    Either,
}

// === impl Sign ===

impl Sign {
    const fn turned(self) -> Self {
        match self {
            Self::Helps => Self::Hinders,
            Self::Hinders => Self::Helps,
            Self::Either => Self::Either,
        }
    }
}

/// An expression whose truth matters, with what its truth does.
fn boolean(expr: &Arc<Expr>, sign: Sign, depth: usize) -> Result<(), Unsayable> {
    if depth > DEPTH {
        return Err(Unsayable::TooDeep);
    }
    let next = depth + 1;
    match expr.as_ref() {
        Expr::BinaryOp { op: BinaryOp::And | BinaryOp::Or, left, right } => {
            boolean(left, sign, next)?;
            boolean(right, sign, next)
        }
        Expr::UnaryOp { op: UnaryOp::Not, expr } => boolean(expr, sign.turned(), next),
        Expr::IfThenElse { cond, then_expr, else_expr } => {
            boolean(cond, Sign::Either, next)?;
            boolean(then_expr, sign, next)?;
            boolean(else_expr, sign, next)
        }
        Expr::GetAttr { expr: inner, .. } if is_approval(inner) => approval(sign),
        Expr::HasAttr { expr: inner, attrs } if is_var(inner, &Var::Context) => {
            if attrs.first().as_str() == "approval" { approval(sign) } else { Ok(()) }
        }
        Expr::HasAttr { expr: inner, .. } if is_approval(inner) => approval(sign),
        _ => value(expr, next),
    }
}

/// A yes is asked for here.
const fn approval(sign: Sign) -> Result<(), Unsayable> {
    match sign {
        Sign::Helps => Ok(()),
        Sign::Hinders | Sign::Either => Err(Unsayable::AgainstApproval),
    }
}

/// An expression whose value is looked at: no approval below it.
fn value(expr: &Arc<Expr>, depth: usize) -> Result<(), Unsayable> {
    if depth > DEPTH {
        return Err(Unsayable::TooDeep);
    }
    let next = depth + 1;
    match expr.as_ref() {
        Expr::Literal(Literal::Bool(_) | Literal::Long(_) | Literal::String(_) | Literal::EntityUID(_)) => {
            Ok(())
        }
        Expr::Var(Var::Context) => Err(Unsayable::WholeContext),
        Expr::Var(Var::Principal | Var::Action | Var::Resource) => Ok(()),
        Expr::Slot(_) => Err(Unsayable::Template),
        Expr::GetAttr { expr: inner, attr } => attribute(inner, attr, next),
        Expr::HasAttr { expr: inner, attrs } => {
            if is_var(inner, &Var::Context) {
                return if attrs.first().as_str() == "approval" {
                    Err(Unsayable::AgainstApproval)
                } else {
                    Ok(())
                };
            }
            holder(inner, next)
        }
        Expr::Like { expr, .. } => value(expr, next),
        Expr::Is { expr, in_expr, .. } => {
            value(expr, next)?;
            in_expr.iter().try_for_each(|group| value(group, next))
        }
        Expr::IfThenElse { cond, then_expr, else_expr } => {
            boolean(cond, Sign::Either, next)?;
            value(then_expr, next)?;
            value(else_expr, next)
        }
        Expr::Set(members) => members.iter().try_for_each(|member| value(member, next)),
        Expr::Record(members) => members.values().try_for_each(|member| value(member, next)),
        Expr::UnaryOp { op, expr } => {
            unary(*op)?;
            match op {
                UnaryOp::Not => boolean(expr, Sign::Either, next),
                _ => value(expr, next),
            }
        }
        Expr::BinaryOp { op, left, right } => {
            binary(*op)?;
            match op {
                BinaryOp::And | BinaryOp::Or => {
                    boolean(left, Sign::Either, next)?;
                    boolean(right, Sign::Either, next)
                }
                BinaryOp::GetTag | BinaryOp::HasTag => {
                    holder(left, next)?;
                    value(right, next)
                }
                _ => {
                    value(left, next)?;
                    value(right, next)
                }
            }
        }
        _ => Err(Unsayable::UnknownForm),
    }
}

/// `inner.attr` as a value.
fn attribute(inner: &Arc<Expr>, attr: &str, depth: usize) -> Result<(), Unsayable> {
    if is_var(inner, &Var::Context) {
        return if attr == "approval" { Err(Unsayable::WholeApproval) } else { Ok(()) };
    }
    if is_approval(inner) {
        return Err(Unsayable::AgainstApproval);
    }
    if matches!(inner.as_ref(), Expr::Literal(_)) {
        return Err(Unsayable::ForeignAttribute(attr.to_owned()));
    }
    holder(inner, depth)
}

/// What an attribute or tag is taken from: a variable of the request, or a member of it.
fn holder(expr: &Arc<Expr>, depth: usize) -> Result<(), Unsayable> {
    if depth > DEPTH {
        return Err(Unsayable::TooDeep);
    }
    match expr.as_ref() {
        Expr::Var(Var::Principal | Var::Resource) => Ok(()),
        Expr::GetAttr { expr: inner, attr } => attribute(inner, attr, depth + 1),
        Expr::Literal(_) => Err(Unsayable::ForeignAttribute("…".to_owned())),
        _ => Err(Unsayable::UnknownForm),
    }
}

fn is_var(expr: &Arc<Expr>, var: &Var) -> bool {
    matches!(expr.as_ref(), Expr::Var(found) if found == var)
}

fn is_approval(expr: &Arc<Expr>) -> bool {
    matches!(expr.as_ref(), Expr::GetAttr { expr, attr } if attr.as_str() == "approval" && is_var(expr, &Var::Context))
}

fn unary(op: UnaryOp) -> Result<(), Unsayable> {
    match op {
        UnaryOp::Not
        | UnaryOp::IsEmpty
        | UnaryOp::Datetime
        | UnaryOp::Duration
        | UnaryOp::Ip
        | UnaryOp::IsIPv4
        | UnaryOp::IsIPV6
        | UnaryOp::IsLoopback
        | UnaryOp::IsMulticast
        | UnaryOp::ToTime
        | UnaryOp::ToMilliseconds
        | UnaryOp::ToSeconds
        | UnaryOp::ToMinutes
        | UnaryOp::ToHours
        | UnaryOp::ToDays => Ok(()),
        UnaryOp::Neg => Err(Unsayable::Arithmetic("-")),
        UnaryOp::ToDate => Err(Unsayable::Arithmetic("toDate")),
        _ => Err(Unsayable::UnknownForm),
    }
}

fn binary(op: BinaryOp) -> Result<(), Unsayable> {
    match op {
        BinaryOp::Eq
        | BinaryOp::NotEq
        | BinaryOp::Less
        | BinaryOp::LessEq
        | BinaryOp::Greater
        | BinaryOp::GreaterEq
        | BinaryOp::And
        | BinaryOp::Or
        | BinaryOp::In
        | BinaryOp::Contains
        | BinaryOp::ContainsAll
        | BinaryOp::ContainsAny
        | BinaryOp::GetTag
        | BinaryOp::HasTag
        | BinaryOp::IsInRange => Ok(()),
        BinaryOp::Add => Err(Unsayable::Arithmetic("+")),
        BinaryOp::Sub => Err(Unsayable::Arithmetic("-")),
        BinaryOp::Mul => Err(Unsayable::Arithmetic("*")),
        BinaryOp::Offset => Err(Unsayable::Arithmetic("offset")),
        BinaryOp::DurationSince => Err(Unsayable::Arithmetic("durationSince")),
        _ => Err(Unsayable::UnknownForm),
    }
}

#[cfg(test)]
mod tests;
