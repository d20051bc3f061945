//! What an app says of itself when it registers, judged (RFC 7591, section 2), and what it is told then (section 3.2).

use access::Scopes;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use store::{KeptClient, RegisteredBy};

use crate::client::is_redirect;
use crate::client_form::{ClientForm, FormProof};
use crate::limits::{NAME_CHARS_MAX, REDIRECTS_MAX, URL_BYTES_MAX};
use crate::refusal::wording;

use super::denial::Denial;

const CODE: &str = "authorization_code";
const REFRESH: &str = "refresh_token";
const OWN: &str = "client_credentials";

/// What we look at; the rest is passed over, as the RFC says, and is not in the answer.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Metadata {
    redirect_uris: Vec<String>,
    token_endpoint_auth_method: Option<String>,
    grant_types: Option<Vec<String>>,
    response_types: Option<Vec<String>>,
    client_name: Option<String>,
    scope: Option<String>,
    jwks_uri: Option<String>,
    jwks: Option<Value>,
    software_statement: Option<Value>,
}

/// What is registered, and how the app is told.
pub(super) struct Judged {
    pub(super) form: ClientForm,
    method: String,
    grants: Vec<String>,
}

impl Metadata {
    pub(super) fn read(body: &[u8]) -> Result<Self, Denial> {
        let wrong = |_: serde_json::Error| {
            let text = "The body is no JSON object whose members are of the types that RFC 7591 gives them";
            Denial::metadata(text)
        };
        let object: Map<String, Value> = serde_json::from_slice(body).map_err(wrong)?;
        serde_json::from_value(Value::Object(object)).map_err(wrong)
    }

    /// `allowed` is the most that any app that registers may have.
    pub(super) fn judge(
        self,
        id: String,
        allowed: &Scopes,
        by: RegisteredBy,
    ) -> Result<Judged, Denial> {
        if self.software_statement.is_some() {
            let text = "This server takes no software statements: leave software_statement out";
            return Err(Denial::Statement(text));
        }
        let method = self.token_endpoint_auth_method.clone();
        let method = method.unwrap_or_else(|| "client_secret_basic".to_owned());
        let grants = self.grants()?;
        self.expect_redirects(&grants)?;
        let proof = self.proof(&method)?;
        let own = grants.iter().any(|grant| grant == OWN);
        if own && matches!(proof, FormProof::Nothing) {
            let text = "client_credentials needs a token_endpoint_auth_method other than none";
            return Err(Denial::metadata(text));
        }
        let scope = self.scope(allowed, &grants)?;
        let name = self.name()?;
        let (redirects, launch_url, own) = (self.redirect_uris, None, false);
        let form = ClientForm { id, name, scope, redirects, launch_url, own, proof, by };
        Ok(Judged { form, method, grants })
    }

    /// Where none are said: a code, and what goes on after it.
    fn grants(&self) -> Result<Vec<String>, Denial> {
        let usual = || vec![CODE.to_owned(), REFRESH.to_owned()];
        let grants = self.grant_types.clone().unwrap_or_else(usual);
        let known = |grant: &String| [CODE, REFRESH, OWN].contains(&grant.as_str());
        let first = grants.iter().any(|grant| grant == CODE || grant == OWN);
        if !grants.iter().all(known) || !first {
            let text = "grant_types may have authorization_code, refresh_token and client_credentials, and the first or the last of these at least";
            return Err(Denial::metadata(text));
        }
        let code = grants.iter().any(|grant| grant == CODE);
        let fit = match self.response_types.as_deref() {
            None => true,
            Some([one]) => code && one == "code",
            Some([]) => !code,
            Some(_) => false,
        };
        match fit {
            true => Ok(grants),
            false => Err(Denial::metadata(
                "response_types must be [\"code\"] with authorization_code, and empty without",
            )),
        }
    }

    fn expect_redirects(&self, grants: &[String]) -> Result<(), Denial> {
        let redirects = &self.redirect_uris;
        let code = grants.iter().any(|grant| grant == CODE);
        if redirects.is_empty() == code {
            let text = "redirect_uris must have one address at least with authorization_code, and none without";
            return Err(Denial::Redirect(text.to_owned()));
        }
        if redirects.len() > REDIRECTS_MAX || redirects.iter().any(|url| url.len() > URL_BYTES_MAX)
        {
            return Err(Denial::Redirect(format!(
                "redirect_uris may have {REDIRECTS_MAX} addresses of {URL_BYTES_MAX} bytes each at most"
            )));
        }
        match redirects.iter().all(|url| is_redirect(url)) {
            true => Ok(()),
            false => Err(Denial::Redirect(
                "Each of redirect_uris must be a whole address by https, or by http to the person's own machine, and have no fragment".to_owned(),
            )),
        }
    }

    fn proof(&self, method: &str) -> Result<FormProof, Denial> {
        let keys = (&self.jwks, &self.jwks_uri);
        match (method, keys) {
            ("private_key_jwt", (Some(keys), None)) => Ok(FormProof::Keys(keys.clone())),
            ("private_key_jwt", (None, Some(url))) => Ok(FormProof::KeysAt(url.clone())),
            ("private_key_jwt", _) => {
                Err(Denial::metadata("private_key_jwt needs one of jwks and jwks_uri, not both"))
            }
            (
                "none" | "client_secret_basic" | "client_secret_post",
                (Some(_), _) | (_, Some(_)),
            ) => Err(Denial::metadata("jwks and jwks_uri go with private_key_jwt")),
            ("none", _) => Ok(FormProof::Nothing),
            ("client_secret_basic" | "client_secret_post", _) => Ok(FormProof::Secret),
            _ => Err(Denial::metadata(
                "token_endpoint_auth_method may be none, client_secret_basic, client_secret_post or private_key_jwt",
            )),
        }
    }

    /// What is asked, all where nothing is; of it what may be had, and what the grants can bring.
    fn scope(&self, allowed: &Scopes, grants: &[String]) -> Result<String, Denial> {
        let asked = match &self.scope {
            Some(text) => {
                let asked = Scopes::parse(text);
                asked.map_err(|error| Denial::Metadata(wording(&error).to_owned()))?
            }
            None => allowed.clone(),
        };
        let has = |grant: &str| grants.iter().any(|it| it == grant);
        let kept = asked.narrowed_to(allowed).to_string();
        let kept: Vec<&str> = kept
            .split(' ')
            .filter(|word| match *word {
                "offline_access" | "online_access" => has(CODE) && has(REFRESH),
                word if word.starts_with("system/") => has(OWN),
                word => !word.is_empty() && has(CODE),
            })
            .collect();
        match kept.is_empty() {
            false => Ok(kept.join(" ")),
            true => Err(Denial::metadata(
                "Apps that register here may have none of this scope by these grant_types",
            )),
        }
    }

    fn name(&self) -> Result<Option<String>, Denial> {
        let Some(name) = self.client_name.as_deref().map(str::trim) else { return Ok(None) };
        // Letters that are not seen, or turn others round, could make one name pass for another.
        let hidden = |c: char| {
            c.is_control()
                || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
        };
        match name.is_empty() || name.chars().count() > NAME_CHARS_MAX || name.contains(hidden) {
            false => Ok(Some(name.to_owned())),
            true => Err(Denial::Metadata(format!(
                "client_name must have 1 to {NAME_CHARS_MAX} characters that can be seen"
            ))),
        }
    }
}

impl Judged {
    /// What the app is told.
    pub(super) fn answer(&self, secret: Option<String>, now_s: i64) -> Value {
        let ClientForm { id, name, scope, redirects, proof, .. } = &self.form;
        let mut answer = json!({
            "client_id": id,
            "client_id_issued_at": now_s,
            "client_name": name.as_deref().unwrap_or(id),
            "token_endpoint_auth_method": self.method,
            "grant_types": self.grants,
            "redirect_uris": redirects,
            "response_types": if redirects.is_empty() { Vec::new() } else { vec!["code"] },
            "scope": scope,
        });
        let mut put = |name: &str, value: Value| {
            answer.as_object_mut().map(|members| members.insert(name.to_owned(), value))
        };
        match proof {
            FormProof::Keys(keys) => put("jwks", keys.clone()),
            FormProof::KeysAt(url) => put("jwks_uri", json!(url)),
            FormProof::Nothing | FormProof::Secret => None,
        };
        if let Some(secret) = secret {
            put("client_secret", json!(secret));
            put("client_secret_expires_at", json!(0));
        }
        answer
    }
}

/// What a registration that is kept comes to, in the same words. Of a secret there is only the digest, so it is not said
/// again; it may be sent either way.
pub(super) fn described(kept: &KeptClient) -> Value {
    let KeptClient { client, name, redirects, scopes, made_at, .. } = kept;
    let code = !redirects.is_empty();
    let own = scopes.split(' ').any(|word| word.starts_with("system/"));
    let grants = [(CODE, code), (REFRESH, code), (OWN, own)];
    let grants: Vec<&str> =
        grants.into_iter().filter(|(_, has)| *has).map(|(grant, _)| grant).collect();
    let method = match (&kept.secret, &kept.jwks, &kept.jwks_url) {
        (Some(_), ..) => "client_secret_basic",
        (None, None, None) => "none",
        (None, ..) => "private_key_jwt",
    };
    let mut told = json!({
        "client_id": client,
        "client_id_issued_at": made_at.timestamp(),
        "client_name": name,
        "token_endpoint_auth_method": method,
        "grant_types": grants,
        "redirect_uris": redirects,
        "response_types": if code { vec!["code"] } else { Vec::new() },
        "scope": scopes,
    });
    let keys = [("jwks", kept.jwks.clone()), ("jwks_uri", kept.jwks_url.clone().map(Value::from))];
    if let Some(members) = told.as_object_mut() {
        let there = keys.into_iter().filter_map(|(name, keys)| Some((name.to_owned(), keys?)));
        members.extend(there);
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALLOWED: &str = "openid launch/patient offline_access patient/*.rs system/Patient.rs";

    fn judged(body: &Value) -> Result<Judged, Denial> {
        let allowed = Scopes::parse(ALLOWED).unwrap();
        let metadata = Metadata::read(body.to_string().as_bytes())?;
        metadata.judge("id".to_owned(), &allowed, RegisteredBy::Itself)
    }

    fn with(members: Value) -> Value {
        let mut body = json!({ "redirect_uris": ["https://app.example.org/cb"] });
        for (name, value) in members.as_object().unwrap() {
            body[name] = value.clone();
        }
        body
    }

    #[test]
    fn scopes_are_those_that_are_allowed_and_that_the_grants_bring() {
        for (members, scope) in [
            (json!({}), "openid launch/patient offline_access patient/*.rs"),
            (
                json!({ "scope": "patient/Observation.cruds openid" }),
                "openid patient/Observation.rs",
            ),
            (
                json!({ "grant_types": ["authorization_code"] }),
                "openid launch/patient patient/*.rs",
            ),
            (json!({ "scope": "system/Patient.rs patient/Patient.r" }), "patient/Patient.r"),
            (
                json!({ "grant_types": ["client_credentials"], "redirect_uris": [] }),
                "system/Patient.rs",
            ),
            (
                json!({ "grant_types": ["client_credentials", "authorization_code"] }),
                "openid launch/patient patient/*.rs system/Patient.rs",
            ),
            (
                json!({ "unheard_of": 1, "client_name": " Growth " }),
                "openid launch/patient offline_access patient/*.rs",
            ),
        ] {
            let judged = judged(&with(members.clone())).unwrap();
            assert_eq!(judged.form.scope, scope, "{members}");
        }
    }

    #[test]
    fn what_will_not_do_is_refused_in_the_words_of_the_rfc() {
        let redirect = |url: &str| with(json!({ "redirect_uris": [url] }));
        let metadata = "invalid_client_metadata";
        for (body, word) in [
            (redirect("http://app.example.org/cb"), "invalid_redirect_uri"),
            (redirect("https://app.example.org/cb#x"), "invalid_redirect_uri"),
            (redirect("https://*.example.org/cb"), "invalid_redirect_uri"),
            (redirect("javascript:alert(1)"), "invalid_redirect_uri"),
            (
                redirect(&format!("https://app.example.org/{}", "a".repeat(2_000))),
                "invalid_redirect_uri",
            ),
            (json!({}), "invalid_redirect_uri"),
            (
                with(json!({ "redirect_uris": vec!["https://a.example.org/"; 17] })),
                "invalid_redirect_uri",
            ),
            (with(json!({ "grant_types": ["client_credentials"] })), "invalid_redirect_uri"),
            (with(json!({ "redirect_uris": "https://app.example.org/cb" })), metadata),
            (json!([]), metadata),
            (with(json!({ "grant_types": ["implicit"] })), metadata),
            (with(json!({ "grant_types": ["refresh_token"] })), metadata),
            (with(json!({ "response_types": ["token"] })), metadata),
            (with(json!({ "token_endpoint_auth_method": "tls_client_auth" })), metadata),
            (with(json!({ "token_endpoint_auth_method": "private_key_jwt" })), metadata),
            (
                with(
                    json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": { "keys": [] }, "jwks_uri": "https://a.example.org" }),
                ),
                metadata,
            ),
            (with(json!({ "jwks": { "keys": [] } })), metadata),
            (
                with(
                    json!({ "token_endpoint_auth_method": "none", "grant_types": ["authorization_code", "client_credentials"] }),
                ),
                metadata,
            ),
            (with(json!({ "scope": "user/*.rs" })), metadata),
            (with(json!({ "scope": "patient/Nothing.rs" })), metadata),
            (with(json!({ "client_name": "" })), metadata),
            (with(json!({ "client_name": "a\u{202e}b" })), metadata),
            (with(json!({ "client_name": "a".repeat(101) })), metadata),
            (with(json!({ "software_statement": "x" })), "unapproved_software_statement"),
        ] {
            let refused = judged(&body).err().map(|denial| denial.word());
            assert_eq!(refused, Some(word), "{body}");
        }
    }
}
