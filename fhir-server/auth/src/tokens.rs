//! What an app is given for an authorization, by a code or by a refresh token: the answer of the token endpoint.

use canonical_model::Result;
use serde_json::{Map, Value, json};
use store::Approval;

use access::{BREAK_GLASS, Role, Scopes};

use crate::claims::{Claims, GenerationsClaim};
use crate::client::Client;
use crate::limits::{APP_TOKEN_S, ID_TOKEN_S, OWN_TOKEN_S};
use crate::refresh_token::RefreshToken;
use crate::state::Parts;

/// An authorization on its way to be an answer.
pub(crate) struct Given<'a> {
    pub(crate) client: &'a Client,
    pub(crate) approval: &'a Approval,
    /// What is granted this time: all of the authorization, or less where less was asked.
    pub(crate) scope: String,
    /// The refresh token that goes with it.
    pub(crate) refresh: RefreshToken,
    /// When the token begins, where that is another moment than now.
    pub(crate) begins_s: Option<i64>,
}

impl Given<'_> {
    /// The claims of the access token. They follow from the refresh token that goes with it, so that whoever asks
    /// twice has one token.
    pub(crate) fn claims(&self, auth: &Parts) -> Result<Claims> {
        let Approval { left_s, sub, patient, fhir_user, orgs, purpose, .. } = self.approval;
        let life_s = if self.client.own { OWN_TOKEN_S } else { APP_TOKEN_S };
        let life_s = life_s.min(*left_s);
        let new = Claims::new(auth, self.client, sub.clone(), self.scope.clone(), life_s)?;
        let begins_s = self.begins_s.unwrap_or(new.iat);
        Ok(Claims {
            patient: patient.clone(),
            fhir_user: fhir_user.clone(),
            roles: self.roles(),
            orgs: orgs.clone(),
            pou: purpose.clone(),
            grant: Some(self.approval.approval),
            generations: GenerationsClaim { account: self.approval.generation, ..new.generations },
            jti: auth.refresh.jti(&self.refresh),
            nbf: begins_s,
            iat: begins_s,
            exp: begins_s + life_s,
            ..new
        })
    }

    /// The roles that count: for whom somebody stands as one who does, and as nothing else he is; for himself, and where
    /// nobody is chosen, as what he is besides.
    fn roles(&self) -> Vec<String> {
        let Approval { patient, fhir_user, roles, .. } = self.approval;
        let own = fhir_user.as_deref().and_then(|user| user.strip_prefix("Patient/"));
        let stands = patient.as_deref().is_some_and(|patient| own != Some(patient));
        let proxy = Role::Proxy.as_str();
        match roles.iter().any(|role| role == proxy) {
            true => roles.iter().filter(|role| (*role == proxy) == stands).cloned().collect(),
            false => roles.clone(),
        }
    }

    /// The answer.
    pub(crate) async fn answer(&self, auth: &Parts, claims: &Claims) -> Result<Value> {
        let scopes = Scopes::parse(&claims.scope)?;
        let identity = match scopes.has_word("openid") {
            true => Some(auth.keys.identity().await?.sign(&self.identity(auth, &scopes))?),
            false => None,
        };
        let mut answer = Map::new();
        let mut put = |name: &str, value: Value| drop(answer.insert(name.to_owned(), value));
        put("access_token", json!(claims.signed(auth)?));
        put("token_type", json!("Bearer"));
        // The database's clock may be ahead of ours: never more than its whole life.
        let left_s = claims.exp - auth.clock.seconds();
        put("expires_in", json!(left_s.min(claims.exp - claims.iat).max(0)));
        put("scope", json!(claims.scope));
        if let Some(patient) = &claims.patient {
            put("patient", json!(patient));
            // The app stands by itself: nothing of ours around it says whom it shows.
            put("need_patient_banner", json!(true));
        }
        // What was open where it was started may say otherwise.
        for (name, value) in self.approval.context.as_object().into_iter().flatten() {
            put(name, value.clone());
        }
        if let Some(identity) = identity {
            put("id_token", json!(identity));
        }
        if self.renews()? {
            put("refresh_token", json!(auth.refresh.write(&self.refresh)));
        }
        Ok(Value::Object(answer))
    }

    /// The claims of the identity token: who signed in, for this client alone.
    /// <https://openid.net/specs/openid-connect-core-1_0.html#IDToken>
    fn identity(&self, auth: &Parts, scopes: &Scopes) -> Value {
        let Approval { sub, fhir_user, nonce, proved_s, .. } = self.approval;
        let now_s = auth.clock.seconds();
        let mut claims = json!({
            "iss": auth.endpoints.issuer(),
            "sub": sub,
            "aud": self.client.id,
            "iat": now_s,
            "exp": now_s + ID_TOKEN_S,
        });
        let mut put = |name: &str, value: Value| {
            claims.as_object_mut().map(|members| members.insert(name.to_owned(), value))
        };
        if let Some(nonce) = nonce {
            put("nonce", json!(nonce));
        }
        if let Some(proved_s) = proved_s {
            put("auth_time", json!(proved_s));
        }
        if let (Some(user), true) = (fhir_user, scopes.has_word("fhirUser")) {
            put("fhirUser", json!(format!("{}/{user}", auth.endpoints.fhir())));
        }
        claims
    }

    /// Whether a refresh token comes with it: the app asked to go on, and the person agreed; staff's own always does.
    /// In an emergency nothing goes on.
    fn renews(&self) -> Result<bool> {
        if self.approval.purpose.as_deref() == Some(BREAK_GLASS) {
            return Ok(false);
        }
        let scopes = Scopes::parse(&self.approval.scopes)?;
        let asked = ["offline_access", "online_access"].iter().any(|word| scopes.has_word(word));
        Ok(asked || self.client.own)
    }
}
