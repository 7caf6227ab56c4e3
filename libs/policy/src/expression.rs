//! Expressions over named numbers, in CEL.
//!
//! A part of the Common Expression Language: numbers, names, `+ - * /`, comparisons, `&& || !`, `? :`, `min` and `max`. All
//! numbers are doubles, so that `errors / max(requests, 1)` means what it says. There are no loops, texts or lists: the cost of
//! an evaluation is that of reading the expression once.

use std::collections::{BTreeMap, BTreeSet};

use cel::{
    Context, ExecutionError, IdedExpr, Value,
    common::{
        ast::{CallExpr, Expr, LiteralValue, operators},
        types::CelDouble,
    },
    functions,
    parser::PrattParser,
};

/// Longest expression, in characters.
pub const LONGEST: usize = 500;
/// Numbers, names and operators in one.
const MOST_NODES: usize = 100;
/// Parentheses in each other, and `?` in all: what the parser's stack grows with.
const DEEPEST: usize = 16;

/// An expression that gives a number.
#[derive(Clone, Debug)]
pub struct Expression {
    tree: IdedExpr,
    names: BTreeSet<String>,
}

/// Why a text is no such expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It cannot be read.
    #[error("an expression that can be read; at the moment: {0}")]
    Syntax(String),
    /// It names what is not there.
    #[error("names of metrics of the policy's sources ({known}), not {name}")]
    Unknown {
        /// The name.
        name: String,
        /// Those that there are.
        known: String,
    },
    /// It uses what is no part of the language here.
    #[error("numbers, names, + - * /, comparisons, && || !, ? :, min() and max(), not {0}")]
    Foreign(String),
    /// An operator has operands that it cannot take.
    #[error("{wanted}, where {operator} has {got}")]
    Type {
        /// The operator, or the place.
        operator: String,
        /// What it takes.
        wanted: &'static str,
        /// What it has.
        got: &'static str,
    },
    /// It is too long.
    #[error(
        "at most {LONGEST} characters with at most {MOST_NODES} numbers, names and operators, {DEEPEST} deep"
    )]
    TooLarge,
}

/// Why an expression gives no number.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum EvaluateError {
    /// A division by nothing, or something too large.
    #[error("it gives {0}, which is no number")]
    NoNumber(f64),
    /// A name has no value.
    #[error("{0} was not told with the others")]
    Missing(String),
    /// It ended early.
    #[error("{0}")]
    Failed(String),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Type {
    Number,
    Truth,
}

// === impl Expression ===

impl Expression {
    /// Reads an expression over these names.
    ///
    /// # Errors
    /// What is allowed instead.
    pub fn compile(text: &str, known: &BTreeSet<String>) -> Result<Self, Refused> {
        if text.chars().count() > LONGEST || is_deep(text) {
            return Err(Refused::TooLarge);
        }
        let unreadable = |errors: cel::ParseErrors| Refused::Syntax(first_line(&errors.to_string()));
        let mut tree = PrattParser::new().parse(text).map_err(unreadable)?;
        let mut checker = Checker { known, names: BTreeSet::new(), nodes: 0 };
        let found = checker.check(&mut tree)?;
        expect("the whole", Type::Number, found)?;
        Ok(Self { tree, names: checker.names })
    }

    /// The names that it needs.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Its value with these numbers.
    ///
    /// # Errors
    /// A name has no number, or what comes of it is none.
    pub fn evaluate(&self, numbers: &BTreeMap<&str, f64>) -> Result<f64, EvaluateError> {
        let mut context = Context::empty();
        for name in &self.names {
            let number = numbers.get(name.as_str()).ok_or_else(|| EvaluateError::Missing(name.clone()))?;
            context.add_variable_from_value(name.as_str(), *number);
        }
        let failed = |error: &dyn std::fmt::Display| EvaluateError::Failed(first_line(&error.to_string()));
        context.add_function("min", functions::min).map_err(|error| failed(&error))?;
        context.add_function("max", functions::max).map_err(|error| failed(&error))?;
        match Value::resolve(&self.tree, &context) {
            Ok(Value::Float(number)) if number.is_finite() => Ok(number),
            Ok(Value::Float(number)) => Err(EvaluateError::NoNumber(number)),
            Ok(_) => Err(failed(&ExecutionError::InternalError("the value is no number".to_owned()))),
            Err(error) => Err(failed(&error)),
        }
    }
}

struct Checker<'k> {
    known: &'k BTreeSet<String>,
    names: BTreeSet<String>,
    nodes: usize,
}

// === impl Checker ===

impl Checker<'_> {
    /// The type of an expression, whose whole numbers become doubles.
    fn check(&mut self, expression: &mut IdedExpr) -> Result<Type, Refused> {
        self.nodes += 1;
        if self.nodes > MOST_NODES {
            return Err(Refused::TooLarge);
        }
        match &mut expression.expr {
            Expr::Literal(literal) => number(literal),
            Expr::Ident(name) if self.known.contains(name.as_str()) => {
                self.names.insert(name.clone());
                Ok(Type::Number)
            }
            Expr::Ident(name) => Err(Refused::Unknown {
                name: shortened(name),
                known: self.known.iter().map(String::as_str).collect::<Vec<_>>().join(", "),
            }),
            Expr::Call(call) => self.call(call),
            Expr::Unspecified => Err(Refused::Syntax("it is empty".to_owned())),
            Expr::Comprehension(_) => Err(Refused::Foreign("loops".to_owned())),
            Expr::List(_) | Expr::Map(_) | Expr::Struct(_) => {
                Err(Refused::Foreign("lists and maps".to_owned()))
            }
            Expr::Select(select) => Err(Refused::Foreign(format!("the field .{}", shortened(&select.field)))),
        }
    }

    fn call(&mut self, call: &mut CallExpr) -> Result<Type, Refused> {
        let name = call.func_name.clone();
        if call.target.is_some() {
            return Err(Refused::Foreign(format!(".{}()", shortened(&name))));
        }
        let mut types = Vec::with_capacity(call.args.len());
        for argument in &mut call.args {
            types.push(self.check(argument)?);
        }
        let all = |wanted: Type, gives: Type| {
            types.iter().try_for_each(|found| expect(sign(&name), wanted, *found)).map(|()| gives)
        };
        match (name.as_str(), types.as_slice()) {
            (operators::ADD | operators::SUBSTRACT | operators::MULTIPLY | operators::DIVIDE, [_, _])
            | (operators::NEGATE, [_])
            | ("min" | "max", [_, ..]) => all(Type::Number, Type::Number),
            (
                operators::LESS
                | operators::LESS_EQUALS
                | operators::GREATER
                | operators::GREATER_EQUALS
                | operators::EQUALS
                | operators::NOT_EQUALS,
                [_, _],
            ) => all(Type::Number, Type::Truth),
            (operators::LOGICAL_AND | operators::LOGICAL_OR, [_, _]) | (operators::LOGICAL_NOT, [_]) => {
                all(Type::Truth, Type::Truth)
            }
            (operators::CONDITIONAL, [condition, one, other]) => {
                expect("? :", Type::Truth, *condition)?;
                expect("? :", *one, *other)?;
                Ok(*one)
            }
            _ => Err(Refused::Foreign(match sign(&name) {
                operator if operator == name => format!("{}()", shortened(&name)),
                operator => operator.to_owned(),
            })),
        }
    }
}

fn number(literal: &mut LiteralValue) -> Result<Type, Refused> {
    let double = match literal {
        LiteralValue::Boolean(_) => return Ok(Type::Truth),
        LiteralValue::Double(_) => return Ok(Type::Number),
        LiteralValue::Int(whole) => *whole.inner() as f64,
        LiteralValue::UInt(whole) => *whole.inner() as f64,
        LiteralValue::Bytes(_) | LiteralValue::Null | LiteralValue::String(_) => {
            return Err(Refused::Foreign("text".to_owned()));
        }
    };
    *literal = LiteralValue::Double(CelDouble::from(double));
    Ok(Type::Number)
}

fn expect(operator: &str, wanted: Type, got: Type) -> Result<(), Refused> {
    if wanted == got {
        return Ok(());
    }
    let name = |of: Type| match of {
        Type::Number => "a number",
        Type::Truth => "a comparison",
    };
    Err(Refused::Type { operator: shortened(operator), wanted: name(wanted), got: name(got) })
}

/// Beside the parser's own limit: so that its stack stays small whatever it recurses on.
fn is_deep(text: &str) -> bool {
    let (mut depth, mut deepest, mut choices) = (0_usize, 0, 0_usize);
    for c in text.chars() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            '?' => choices += 1,
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest > DEEPEST || choices > DEEPEST
}

/// An operator as it is written.
fn sign(name: &str) -> &str {
    match name {
        operators::CONDITIONAL => "? :",
        operators::INDEX => "[ ]",
        name => name.trim_start_matches('_').trim_end_matches('_').trim_start_matches('@'),
    }
}

fn first_line(text: &str) -> String {
    shortened(text.lines().next().unwrap_or_default())
}

fn shortened(text: &str) -> String {
    text.chars().take(120).collect()
}

#[cfg(test)]
mod tests;
