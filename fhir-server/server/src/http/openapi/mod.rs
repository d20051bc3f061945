//! What this server takes and gives, route by route: as OpenAPI 3.1 for programs, as a page for people. Both are made
//! of the list of routes, so that neither can say more or less than there is. <https://spec.openapis.org/oas/v3.1.0>

mod document;
mod media;
mod page;
mod parameters;
mod said;

use std::sync::LazyLock;

use auth::{Listed, Route, Rule, listed, routed};
use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on};
use canonical_model::{Error, Result};
use http::StatusCode;
use http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
};

use said::Described;

const ROUTES: [Route<()>; 2] = [
    Route {
        method: MethodFilter::GET,
        path: "/openapi.json",
        rule: Rule::Open,
        serve: |method| on(method, document),
    },
    Route {
        method: MethodFilter::GET,
        path: "/docs",
        rule: Rule::Open,
        serve: |method| on(method, page),
    },
];

pub(super) fn router() -> Router {
    routed(&ROUTES)
}

pub(super) fn routes() -> Vec<Listed> {
    listed(&ROUTES)
}

/// Both texts: they never change while the server runs.
static TEXTS: LazyLock<Result<Texts>> = LazyLock::new(Texts::new);

struct Texts {
    document: String,
    page: String,
}

impl Texts {
    fn new() -> Result<Self> {
        let described = Described::all(&super::routes()?)?;
        Ok(Self { document: document::write(&described)?, page: page::write(&described) })
    }
}

const KEPT: &str = "public, max-age=300";

async fn document() -> Response {
    answer(|texts| {
        let headers = [
            (CONTENT_TYPE, "application/json"),
            (CACHE_CONTROL, KEPT),
            // It is open, and tools in browsers read it.
            (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        ];
        (headers, texts.document.as_str()).into_response()
    })
}

async fn page() -> Response {
    const POLICY: &str = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    answer(|texts| {
        let headers = [
            (CONTENT_TYPE, "text/html; charset=utf-8"),
            (CACHE_CONTROL, KEPT),
            (CONTENT_SECURITY_POLICY, POLICY),
        ];
        (headers, texts.page.as_str()).into_response()
    })
}

fn answer(write: impl FnOnce(&'static Texts) -> Response) -> Response {
    match &*TEXTS {
        Ok(texts) => write(texts),
        Err(error) => {
            tracing::error!(error = ?error, "Routes could not be described.");
            super::outcome(StatusCode::INTERNAL_SERVER_ERROR, &Error::internal("no description"))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    fn texts() -> &'static Texts {
        TEXTS.as_ref().expect("every route is described")
    }

    /// The routes of the document, as the list of routes writes them.
    fn documented(document: &Value) -> BTreeSet<String> {
        let paths = document["paths"].as_object().expect("paths");
        let of = |(path, item): (&String, &Value)| {
            let methods = item.as_object().expect("methods").keys();
            methods.map(|method| format!("{} {path}", method.to_uppercase())).collect::<Vec<_>>()
        };
        paths.iter().flat_map(of).collect()
    }

    #[test]
    fn document_and_routes_agree() {
        let document: Value = serde_json::from_str(&texts().document).expect("JSON");
        let routes = crate::routes().expect("routes").into_iter();
        let routes = routes.map(|route| format!("{} {}", route.method, route.path)).collect();
        assert_eq!(documented(&document), routes);
        assert_eq!(document["openapi"], "3.1.0");
        // Whoever asks for a token says so, and nobody else.
        assert!(document["paths"]["/fhir/metadata"]["get"].get("security").is_none());
        assert_eq!(
            document["paths"]["/fhir/{type}"]["get"]["security"][0]["token"][0],
            "system/*.s"
        );
    }

    #[test]
    fn names_are_used_once_and_mean_something() {
        let document: Value = serde_json::from_str(&texts().document).expect("JSON");
        let mut ids = BTreeSet::new();
        for (path, item) in document["paths"].as_object().expect("paths") {
            for (method, operation) in item.as_object().expect("methods") {
                let id = operation["operationId"].as_str().expect("a name");
                assert!(ids.insert(id.to_owned()), "{id} is used twice");
                let parameters = operation["parameters"].as_array();
                let named: BTreeSet<&str> = parameters
                    .into_iter()
                    .flatten()
                    .filter(|it| it["in"] == "path")
                    .filter_map(|it| it["name"].as_str())
                    .collect();
                let braces = path.split(['{', '}']).skip(1).step_by(2);
                assert_eq!(named, braces.collect(), "{method} {path}");
            }
        }
    }

    #[test]
    fn the_page_names_every_path() {
        for route in crate::routes().expect("routes") {
            if route.method != http::Method::HEAD {
                let named = format!("<summary><code>{} {}</code>", route.method, route.path);
                assert!(texts().page.contains(&named), "{named}");
            }
        }
        assert!(!texts().page.contains("<script"));
    }
}
