//! `bellwether token`: who may call with which bearer token.

use std::path::PathBuf;

use anyhow::Context as _;
use bellwether_clock::Env;
use bellwether_server::{Kind, Token, TokenFile, generate_secret, secret_hash};

use crate::{
    args::{TokenCommand, TokenKind},
    exit::Exit,
    render::{self, Format},
    session::data_dir,
};

/// Makes or lists tokens.
///
/// # Errors
/// When the file cannot be read or written.
pub fn run(env: &Env, format: Format, command: &TokenCommand) -> anyhow::Result<Exit> {
    match command {
        TokenCommand::Create { principal, kind, roles, team, tokens } => {
            let path = file(tokens);
            let secret = generate_secret(env);
            let mut all = TokenFile::read(&path)?;
            all.tokens.push(Token {
                principal: principal.clone(),
                kind: (*kind).into(),
                sha256: secret_hash(&secret),
                roles: roles.clone(),
                team: (!team.is_empty()).then(|| team.clone()),
                applications: Vec::new(),
                acts_for_others: false,
            });
            if let Some(dir) = path.parent() {
                std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
            }
            all.write(&path)?;
            render::note(&format!(
                "{principal} is in {}; the services read it within seconds. The token is shown once:",
                path.display()
            ));
            render::line(&secret)?;
        }
        TokenCommand::List { tokens } => {
            let all = TokenFile::read(&file(tokens))?;
            render::print(format, &all, |all| {
                render::table(
                    ["PRINCIPAL", "KIND", "ROLES", "TEAM", "SHA-256"],
                    all.tokens.iter().map(|token| {
                        let roles: Vec<&str> = token.roles.iter().map(|role| role.as_str()).collect();
                        [
                            token.principal.clone(),
                            format!("{:?}", token.kind).to_lowercase(),
                            roles.join(", "),
                            token.team.clone().unwrap_or_default(),
                            token.sha256.chars().take(12).collect(),
                        ]
                    }),
                )
            })?;
        }
    }
    Ok(Exit::Ok)
}

fn file(tokens: &Option<PathBuf>) -> PathBuf {
    tokens.clone().unwrap_or_else(|| data_dir().join("tokens.toml"))
}

impl From<TokenKind> for Kind {
    fn from(kind: TokenKind) -> Self {
        match kind {
            TokenKind::Human => Self::Human,
            TokenKind::Agent => Self::Agent,
            TokenKind::Service => Self::Service,
        }
    }
}
