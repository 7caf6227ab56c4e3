//! `bellwether init`: an application file to start from.

use std::fs;

use anyhow::Context as _;

use crate::{
    args::InitArgs,
    exit::Exit,
    names::{Reference, Unfit},
    render,
};

/// Writes the file.
///
/// # Errors
/// When the name is not one, or the file exists or cannot be written.
pub fn run(args: &InitArgs) -> anyhow::Result<Exit> {
    if !matches!(args.name.parse::<Reference>(), Ok(Reference::Application(_))) {
        let name = &args.name;
        let text = format!(
            "{name:?} cannot be an application's name: lower-case letters, digits and dashes, at most 63"
        );
        return Err(Unfit(text).into());
    }
    if args.file.exists() && !args.force {
        let text = format!("{} exists; give another --file, or --force to overwrite it", args.file.display());
        return Err(Unfit(text).into());
    }
    fs::write(&args.file, template(&args.name))
        .with_context(|| format!("cannot write {}", args.file.display()))?;
    render::line(&format!(
        "wrote {file}\nnext: bellwether apply -f {file} && bellwether release {name} --version 1.0.0 --artifact PATH",
        file = args.file.display(),
        name = args.name
    ))?;
    Ok(Exit::Ok)
}

/// Ten lines that work as they are.
fn template(name: &str) -> String {
    format!(
        r#"# Everything else has a default: docs/guide/application.md
name: {name}
type: custom                      # e-commerce, banking-api, internal-tool, batch, static-site
environments:
  development:                    # then staging, production: promoted by themselves, with an approval for the last
    instances: 2
    command: ["{{artifact}}"]       # gets PORT in its environment; {{port}} stands for it here
    listen: 127.0.0.1:8080        # where its users reach it
    ready:
      http_path: /                # answers 200 when it may get traffic
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml;

    #[test]
    fn the_template_is_a_valid_application_of_ten_lines() {
        let text = template("shop");
        assert_eq!(text.lines().count(), 10);
        let documents = yaml::documents("bellwether.yaml", &text).unwrap();
        let pool = yaml::contracts().unwrap();
        let message = pool.get_message_by_name("bellwether.planner.v1.Application").unwrap();
        let json = yaml::to_json("bellwether.yaml", &documents[0].root, &message).unwrap();
        let application: bellwether_proto::planner::v1::Application = serde_json::from_value(json).unwrap();
        assert_eq!(application.environments["development"].instances, 2);
    }
}
