//! The same for people: one page without a script. Each route opens to what it takes and gives.

use super::parameters;
use super::said::{Described, Part, rights};

/// The page's text.
pub(super) fn write(described: &[Described]) -> String {
    let mut out = String::from(HEAD);
    out.push_str("<nav aria-label=\"Parts\"><ul>\n");
    for part in Part::ALL {
        out.push_str(&format!("<li><a href=\"#{}\">{}</a></li>\n", part.mark(), part.title()));
    }
    out.push_str("</ul></nav>\n");
    for part in Part::ALL {
        out.push_str(&format!("<h2 id=\"{}\">{}</h2>\n", part.mark(), part.title()));
        for one in described.iter().filter(|one| one.said.part == part) {
            // Said of all at once.
            if one.route.method != http::Method::HEAD {
                route(&mut out, one);
            }
        }
    }
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

fn route(out: &mut String, one: &Described) {
    let Described { route, said } = one;
    out.push_str(&format!(
        "<details>\n<summary><code>{} {}</code> {}</summary>\n<p>Asks for {}.</p>\n",
        route.method,
        escape(&route.path),
        escape(said.summary),
        escape(&rights(&route.rule)),
    ));
    let parameters = parameters::of(one);
    if !parameters.is_empty() {
        out.push_str("<ul>\n");
        for parameter in parameters {
            out.push_str(&format!(
                "<li><code>{}</code>: {}</li>\n",
                escape(&parameter.name),
                escape(parameter.description.as_deref().unwrap_or_default()),
            ));
        }
        out.push_str("</ul>\n");
    }
    if !said.takes.media().is_empty() {
        out.push_str(&format!("<p>Brings {}.</p>\n", listed(said.takes.media())));
    }
    for (status, meaning, types) in said.gives.answers() {
        let types = if types.is_empty() { String::new() } else { format!(" {}.", listed(types)) };
        out.push_str(&format!("<p>{status}: {meaning}{types}</p>\n"));
    }
    out.push_str("</details>\n");
}

fn listed(types: &[&str]) -> String {
    let all: Vec<String> = types.iter().map(|name| format!("<code>{name}</code>")).collect();
    all.join(" or ")
}

const HEAD: &str = r##"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="color-scheme" content="light dark">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>What can be asked here – CareBridge</title>
<link rel="stylesheet" href="/auth/style.css">
</head>
<body>
<header><span class="mark" aria-hidden="true"></span>CareBridge</header>
<main class="wide">
<h1>What can be asked here</h1>
<p>FHIR R4 is below <code>/fhir</code>, the authorization server below <code>/auth</code>. What each resource type offers, with all search parameters, is in the <a href="/fhir/metadata?_pretty=true&amp;_format=json">CapabilityStatement</a>; where apps get tokens, in the <a href="/fhir/.well-known/smart-configuration">SMART configuration</a>. Programs read this list as <a href="/openapi.json">OpenAPI 3.1</a>. Whatever takes <code>GET</code> takes <code>HEAD</code> too; what is refused comes with the reason.</p>
"##;

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
