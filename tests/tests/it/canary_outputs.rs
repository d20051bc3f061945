//! What patients' records say leaves by no side door: a real server that logs all it can is driven by every route, with
//! right input and with wrong, while words of one patient stand wherever somebody may put them. They are in no line of its
//! log, no metric, no error, and no address that the server makes.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use canonical_model::ResourceType;
use it::ledger::ServerProcess;
use it::{Answer, Client, Database, PASSWORD, Visitor, people};
use reqwest::RequestBuilder;

use crate::canary_world::World;

/// What may be seen nowhere: a word, a day, the name of a record.
const WORD: &str = "kanari";
const DAY: &str = "1957-03-04";
const ID: &str = "zeisig";
/// What somebody takes for the name of a parameter or an element: it is told to whoever sent it, and in no log.
const NAME: &str = "gimpel";
/// The most that is logged, and an app for the pages.
const SETTINGS: &str = "
[log]
filter = \"trace\"
format = \"text\"
[[client]]
id = \"spa\"
scope = \"launch/patient offline_access patient/*.cruds user/*.cruds\"
redirects = [\"https://app.example.org/callback\"]
";

/// A server, and what it answered where it should not have told anything.
struct Driven {
    server: ServerProcess,
    client: Client,
    database: Database,
    told: Vec<String>,
    /// What proves who somebody is.
    secrets: Vec<String>,
    asked: usize,
    refused: usize,
}

impl Driven {
    async fn start() -> Result<Self> {
        let database = Database::create().await?;
        people(&database).await?;
        let server = ServerProcess::start_saying(&database.url, SETTINGS).await?;
        let client = server.client().await?;
        Ok(Self {
            server,
            client,
            database,
            told: Vec::new(),
            secrets: Vec::new(),
            asked: 0,
            refused: 0,
        })
    }

    async fn ask(&mut self, what: &str, request: RequestBuilder) -> Result<Answer> {
        let answer = Answer::of(request).await.with_context(|| what.to_owned())?;
        self.asked += 1;
        self.refused += usize::from(answer.status >= 400);
        if answer.status >= 400 && tells(&answer.text) {
            self.told.push(format!("{what}: {}: {}", answer.status, answer.text));
        }
        for name in ["location", "content-location", "link", "www-authenticate"] {
            let url = answer.header(name);
            if says(url) {
                self.told.push(format!("{what}: {name}: {url}"));
            }
        }
        if let Some(next) = answer.link("next").filter(|next| tells(next)) {
            self.told.push(format!("{what}: next: {next}"));
        }
        Ok(answer)
    }

    async fn send(&mut self, method: &str, path: &str, kind: &str, body: &str) -> Result<Answer> {
        let request = self.client.request(method, path).header("content-type", kind);
        self.ask(&format!("{method} {path} {kind} {body}"), request.body(body.to_owned())).await
    }

    async fn get(&mut self, path: &str) -> Result<Answer> {
        let request = self.client.request("GET", path);
        self.ask(&format!("GET {path}"), request).await
    }

    /// Nothing was told: in answers, in metrics, in the log, which was as loud as it can be. At least so much was asked,
    /// and so much refused.
    async fn end(self, asked_min: usize, refused_min: usize) -> Result<()> {
        let Self { server, client, told, secrets, asked, refused, .. } = self;
        ensure!(told.is_empty(), "answers: {told:#?}");
        ensure!(asked >= asked_min && refused >= refused_min, "{refused} of {asked} were refused");
        let metrics = client.anonymous().get(&format!("{}/metrics", server.origin)).await?;
        ensure!(metrics.status == 200 && metrics.text.contains("http_requests_total"));
        ensure!(!logs(&metrics.text), "{}", metrics.text);
        let log = server.said();
        ensure!(log.contains("TRACE") && log.contains("Request served."), "it says all it can");
        let lines: Vec<&str> = log.lines().filter(|line| logs(line)).collect();
        for secret in secrets {
            ensure!(secret.len() > 15 && !log.contains(&secret), "{secret} is in the log");
        }
        let first: Vec<_> = lines.iter().take(20).collect();
        ensure!(lines.is_empty(), "{} lines of the log: {first:#?}", lines.len());
        Ok(())
    }
}

fn says(text: &str) -> bool {
    text.to_lowercase().contains(WORD)
}

fn logs(text: &str) -> bool {
    tells(text) || text.contains(ID) || text.to_lowercase().contains(NAME)
}

fn tells(text: &str) -> bool {
    says(text) || text.contains(DAY) || text.contains(&BASE64_STANDARD.encode(WORD))
}

/// A resource of each type, as texts, that has the words everywhere.
fn examples() -> BTreeMap<String, String> {
    let world = World { id: ID, word: WORD, date: DAY, number: 4242 };
    // A Consent would act, a search parameter too.
    let quiet = |kind: &ResourceType| !["Consent", "SearchParameter"].contains(&kind.name());
    let of = |kind: ResourceType| Some((kind.name().to_owned(), world.resource(kind)?));
    ResourceType::all().filter(quiet).filter_map(of).collect()
}

const JSON: &str = "application/fhir+json";
const XML: &str = "application/fhir+xml";

#[tokio::test]
async fn what_is_right_is_told_to_who_asks_alone() -> Result<()> {
    let mut it = Driven::start().await?;
    let all = examples();
    let mut stored = 0;
    for (kind, text) in &all {
        let path = format!("/{kind}/{ID}");
        stored += usize::from(it.send("PUT", &path, JSON, text).await?.status == 201);
        it.get(&path).await?;
        it.get(&format!("{path}/_history/1")).await?;
        it.get(&format!("/{kind}?_tag={WORD}&_count=1&_total=accurate")).await?;
        it.get(&format!("/{kind}?_text={WORD}")).await?;
        it.send(
            "POST",
            &format!("/{kind}/_search"),
            "application/x-www-form-urlencoded",
            &format!("_tag=urn:tags|{WORD}"),
        )
        .await?;
    }
    ensure!(stored > 100, "{stored} of {} were stored", all.len());
    let created = all["Patient"].replace(&format!("\"id\":\"{ID}\","), "");
    for n in 0..3 {
        let request = it.client.request("POST", "/Patient").header("content-type", JSON);
        let request = request.header("if-none-exist", format!("family={WORD}{n}"));
        it.ask("a conditional create", request.body(created.clone())).await?;
    }
    for path in [
        format!("/Patient?family={WORD}&birthdate={DAY}&_count=1&_sort=-birthdate"),
        format!("/Patient?name:contains={WORD}&_revinclude=Observation:subject&_count=1"),
        format!("/Observation?patient.family={WORD}&_include=Observation:subject&_count=1"),
        format!("/Patient?_has:Observation:patient:_tag={WORD}"),
        format!("/Patient/{ID}/Observation?_tag={WORD}&_count=1"),
        format!("/Patient/{ID}/$access-report?_count=1"),
        format!("/AuditEvent/$journal?patient={ID}&_count=1"),
        "/Patient/_history?_count=1".to_owned(),
        format!("/Patient?_filter=family eq \"{WORD}\""),
    ] {
        let mut next = Some(path);
        for _ in 0..3 {
            let Some(path) = next.take() else { break };
            next = it.get(&path).await?.link("next");
        }
    }
    let patch = format!(
        r#"[{{"op":"replace","path":"/birthDate","value":"{DAY}"}},{{"op":"add","path":"/name/-","value":{{"family":"{WORD}"}}}}]"#
    );
    it.send("PATCH", &format!("/Patient/{ID}"), "application/json-patch+json", &patch).await?;
    let entry = format!(
        r#"{{"resource":{created},"request":{{"method":"POST","url":"Patient","ifNoneExist":"family={WORD}x"}}}}"#
    );
    for kind in ["batch", "transaction"] {
        let bundle = format!(r#"{{"resourceType":"Bundle","type":"{kind}","entry":[{entry}]}}"#);
        it.send("POST", "", JSON, &bundle).await?;
    }
    it.send("DELETE", &format!("/Patient?family={WORD}x"), JSON, "").await?;
    it.end(800, 0).await
}

/// Where somebody may put what is wrong, each with the words in it.
fn wrong() -> Vec<(&'static str, String, &'static str, String)> {
    let said = |text: &str| text.replace("WORD", WORD).replace("NAME", NAME).replace("DAY", DAY);
    let get = |path: &str| ("GET", said(path), "", String::new());
    let send = |method: &'static str, path: &str, kind: &'static str, body: &str| {
        (method, said(path), kind, said(body))
    };
    let patch = "application/json-patch+json";
    vec![
        // Parameters.
        get("/Patient?NAME=1"),
        get("/Patient?name:NAME=x"),
        get("/Patient?_has:NAME:patient:code=1"),
        get("/Patient?_has:Observation:NAME:code=1"),
        get("/Patient?general-practitioner:NAME.name=x"),
        get("/Patient?general-practitioner.NAME=x"),
        get("/AuditEvent/$journal?NAME=WORD"),
        send("DELETE", "/Patient?NAME=WORD", "", ""),
        get("/Patient?birthdate=WORD"),
        get("/Patient?_count=WORD"),
        get("/Patient?_sort=WORD"),
        get("/Patient?_include=Patient:WORD"),
        get("/Patient?_include=WORD"),
        get("/Patient?_lastUpdated=WORD"),
        get("/Patient?_total=WORD"),
        get("/Patient?_summary=WORD"),
        get("/Patient?_elements=WORD"),
        get("/Patient?_page=WORD"),
        get("/Patient?_format=WORD"),
        get("/Patient?_filter=WORD"),
        get("/Patient?_list=WORD"),
        get("/Patient?_type=WORD"),
        get("/Patient?identifier=WORD|WORD|WORD"),
        get("/Patient?general-practitioner=WORD/WORD"),
        get("/Patient?name=%FFWORD"),
        get("/Patient?name=WORD%00"),
        get("/Observation?value-quantity=WORD"),
        get("/Observation?code:in=http://NAME.example"),
        get("/Observation?component-code-value-quantity=WORD"),
        get("/Observation?date=ge19WORD"),
        get("/?_type=WORD"),
        get("/_history?_since=WORD"),
        get("/Patient/_history?_at=WORD"),
        get("/AuditEvent/$journal?date=WORD"),
        get("/AuditEvent/$journal?patient=WORD/WORD/x"),
        // Paths.
        get("/WORD"),
        get("/WORD/1"),
        get("/Patient/WORD%20x"),
        get("/Patient/WORD"),
        get("/Patient/WORD/_history/WORD"),
        get("/Patient/1/$WORD"),
        get("/Patient/1/WORD"),
        get("/Patient/1/WORD/WORD/WORD"),
        send("POST", "/WORD", JSON, "{}"),
        send("PUT", "/Patient/WORD", JSON, r#"{"resourceType":"Patient","id":"other"}"#),
        send("DELETE", "/Patient?birthdate=WORD", "", ""),
        // Bodies.
        send("POST", "/Patient", JSON, r#"{"resourceType":"Patient","name":[{"family":"WORD"#),
        send("POST", "/Patient", JSON, "WORD"),
        send("POST", "/Patient", JSON, r#"{"resourceType":"WORD"}"#),
        send("POST", "/Patient", JSON, r#"{"resourceType":"Patient","birthDate":"WORD"}"#),
        send("POST", "/Patient", JSON, r#"{"resourceType":"Patient","birthDate":"DAY WORD"}"#),
        send("POST", "/Patient", JSON, r#"{"resourceType":"Patient","NAME":"WORD"}"#),
        send("POST", "/Patient", JSON, r#"{"resourceType":"Patient","gender":"WORD"}"#),
        send("POST", "/Patient", JSON, r#"{"resourceType":"Patient","name":"WORD"}"#),
        send(
            "POST",
            "/Patient",
            JSON,
            r#"{"resourceType":"Patient","name":[{"family":{"NAME":"WORD"}}]}"#,
        ),
        send(
            "POST",
            "/Patient",
            JSON,
            r#"{"resourceType":"Patient","name":[{"family":"WORD","family":"WORD"}]}"#,
        ),
        send(
            "POST",
            "/Patient",
            JSON,
            "{\"resourceType\":\"Patient\",\"name\":[{\"family\":\"WORD\\u0000\"}]}",
        ),
        send(
            "POST",
            "/Patient",
            JSON,
            r#"{"resourceType":"Patient","managingOrganization":{"reference":"WORD WORD"}}"#,
        ),
        send(
            "POST",
            "/Patient",
            JSON,
            r#"{"resourceType":"Patient","multipleBirthInteger":"WORD"}"#,
        ),
        send(
            "POST",
            "/Patient",
            JSON,
            r#"{"resourceType":"Patient","text":{"status":"generated","div":"<div>WORD<script>WORD</script></div>"}}"#,
        ),
        send("PUT", "/Patient/p", JSON, r#"{"resourceType":"Patient","id":"WORD"}"#),
        send(
            "POST",
            "/Consent",
            JSON,
            r#"{"resourceType":"Consent","status":"active","scope":{"coding":[{"code":"patient-privacy"}]},"category":[{"text":"WORD"}],"patient":{"reference":"Patient/WORD"},"policyRule":{"text":"WORD"},"provision":{"dataPeriod":{"start":"DAY"},"action":[{"text":"WORD"}]}}"#,
        ),
        send(
            "POST",
            "/SearchParameter",
            JSON,
            r#"{"resourceType":"SearchParameter","url":"urn:WORD","name":"WORD","status":"active","description":"WORD","code":"WORD","base":["Patient"],"type":"token","expression":"Patient.WORD("}"#,
        ),
        send("PATCH", "/Patient/p", patch, r#"[{"op":"WORD","path":"/NAME","value":"WORD"}]"#),
        send("PATCH", "/Patient/p", patch, r#"[{"op":"replace","path":"/NAME/7","value":"WORD"}]"#),
        send("PATCH", "/Patient/p", patch, r#"[{"op":"test","path":"/id","value":"WORD"}]"#),
        send(
            "PATCH",
            "/Patient/p",
            patch,
            r#"[{"op":"replace","path":"/birthDate","value":"WORD"}]"#,
        ),
        send("PATCH", "/Patient/p", patch, "WORD"),
        send("POST", "", JSON, r#"{"resourceType":"Bundle","type":"WORD"}"#),
        send(
            "POST",
            "",
            JSON,
            r#"{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"WORD","url":"WORD"}}]}"#,
        ),
        send(
            "POST",
            "",
            JSON,
            r#"{"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"GET","url":"Patient?birthdate=WORD"}}]}"#,
        ),
        send(
            "POST",
            "",
            JSON,
            r#"{"resourceType":"Bundle","type":"transaction","entry":[{"resource":{"resourceType":"Patient","birthDate":"WORD"},"request":{"method":"POST","url":"Patient"}}]}"#,
        ),
        send(
            "POST",
            "",
            JSON,
            r#"{"resourceType":"Bundle","type":"transaction","entry":[{"resource":{"resourceType":"Patient"},"request":{"method":"PUT","url":"Patient?family=WORD&NAME=WORD"}}]}"#,
        ),
        send(
            "POST",
            "/Patient/_search",
            "application/x-www-form-urlencoded",
            "birthdate=WORD&NAME=WORD",
        ),
        send("POST", "/Patient", "application/WORD", "WORD"),
        send("POST", "/Patient", XML, "<Patient><NAME/>WORD</Patient>"),
        send("POST", "/Patient", XML, r#"<Patient xmlns="http://hl7.org/fhir"><NAME/></Patient>"#),
        send(
            "POST",
            "/Patient",
            XML,
            r#"<Patient xmlns="http://hl7.org/fhir"><id WORD="WORD">WORD</id></Patient>"#,
        ),
        send(
            "POST",
            "/Patient",
            XML,
            r#"<Patient xmlns="http://hl7.org/fhir"><birthDate value="WORD"/></Patient>"#,
        ),
        send(
            "POST",
            "/Patient",
            XML,
            r#"<Patient xmlns="http://hl7.org/fhir"><active value="WORD"/></Patient>"#,
        ),
        send("POST", "/Patient", XML, "<!DOCTYPE WORD SYSTEM 'WORD'><Patient>&WORD;</Patient>"),
    ]
}

#[tokio::test]
async fn what_is_wrong_is_not_repeated() -> Result<()> {
    let mut it = Driven::start().await?;
    it.send("PUT", "/Patient/p", JSON, r#"{"resourceType":"Patient","id":"p"}"#).await?;
    for (method, path, kind, body) in wrong() {
        it.send(method, &path, kind, &body).await?;
    }
    let path = "/Patient/p";
    for (name, value) in [
        ("accept", WORD),
        ("accept-encoding", WORD),
        ("content-type", WORD),
        ("content-encoding", WORD),
        ("if-match", WORD),
        ("if-match", "W/\"kanari\""),
        ("if-none-match", WORD),
        ("if-modified-since", WORD),
        ("if-none-exist", "gimpel=kanari"),
        ("prefer", "return=kanari"),
        ("idempotency-key", WORD),
        ("range", "bytes=kanari"),
        ("cookie", "carebridge=kanari"),
        ("forwarded", "for=kanari"),
        ("x-forwarded-for", WORD),
        ("x-kanari", WORD),
    ] {
        for method in ["GET", "PUT", "POST"] {
            let (path, body) = match method {
                "GET" => (path, ""),
                "PUT" => (path, r#"{"resourceType":"Patient","id":"p"}"#),
                _ => ("/Patient", r#"{"resourceType":"Patient"}"#),
            };
            let request = it.client.request(method, path);
            let request =
                if name == "content-type" { request } else { request.header("content-type", JSON) };
            let request = request.header(name, value).body(body);
            it.ask(&format!("{method} {name}: {value}"), request).await?;
        }
    }
    it.end(120, 60).await
}

/// At the doors: tokens, secrets, log-ins, what is typed into pages; whoever knocks, and whatever it is.
#[tokio::test]
async fn nobody_who_signs_in_is_repeated() -> Result<()> {
    let mut it = Driven::start().await?;
    it.send("PUT", &format!("/Patient/{ID}"), JSON, &examples()["Patient"]).await?;
    let (origin, nobody) = (it.server.origin.clone(), it.client.anonymous());
    for token in [WORD, "kanari.kanari.kanari", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJrYW5hcmkifQ."] {
        let request = nobody.request("GET", "/Patient").bearer_auth(token);
        it.ask("a token", request).await?;
    }
    let basic = nobody.request("POST", &format!("{origin}/auth/token"));
    let basic = basic.basic_auth(WORD, Some(WORD)).form(&[("grant_type", "client_credentials")]);
    it.ask("a client", basic).await?;
    for form in [
        vec![("grant_type", WORD)],
        vec![("grant_type", "client_credentials"), ("client_id", WORD), ("client_secret", WORD)],
        vec![
            ("grant_type", "client_credentials"),
            ("client_assertion", WORD),
            ("client_assertion_type", WORD),
        ],
        vec![
            ("grant_type", "authorization_code"),
            ("client_id", "spa"),
            ("code", WORD),
            ("code_verifier", WORD),
        ],
        vec![("grant_type", "refresh_token"), ("client_id", "spa"), ("refresh_token", WORD)],
        vec![("token", WORD), ("token_type_hint", WORD)],
    ] {
        for path in ["token", "introspect", "revoke"] {
            let request = nobody.request("POST", &format!("{origin}/auth/{path}")).form(&form);
            it.ask(&format!("{path} {form:?}"), request).await?;
        }
    }
    for query in [
        "client_id=kanari",
        "client_id=spa&redirect_uri=https://kanari.example",
        "client_id=spa&redirect_uri=https://app.example.org/callback&response_type=kanari",
        "client_id=spa&redirect_uri=https://app.example.org/callback&response_type=code&scope=kanari&aud=kanari",
    ] {
        let mut visitor = Visitor::new(&origin)?;
        let page = visitor.open(&format!("/auth/authorize?{query}")).await?;
        it.refused += usize::from(page.status >= 400);
        ensure!(!says(&page.text), "{query}: {}", page.text);
        let led = page.location().unwrap_or_default();
        ensure!(!says(&led), "{query}: {led}");
    }
    pages(&origin).await?;
    sign_in(&mut it).await?;
    it.end(20, 20).await
}

/// Somebody signs in and gives an app access, which reads and goes on: what proves each step is kept in mind.
async fn sign_in(it: &mut Driven) -> Result<()> {
    it.send("PUT", "/Patient/anna", JSON, r#"{"resourceType":"Patient","id":"anna"}"#).await?;
    let origin = it.server.origin.clone();
    let redirect = "https://app.example.org/callback";
    let app = it::App::new(&origin, "spa", redirect, "offline_access patient/Patient.rs");
    let mut visitor = Visitor::new(&origin)?;
    let back = app.agree(&mut visitor, "anna", PASSWORD, None).await?;
    let answer = app.token(&back).await?;
    let (access, refresh) = (answer.text_at("access_token"), answer.text_at("refresh_token"));
    assert_eq!(it.client.bearing(access.clone()).get("/Patient/anna").await?.status, 200);
    let form = [
        ("grant_type", "refresh_token".to_owned()),
        ("refresh_token", refresh.clone()),
        ("client_id", app.id.clone()),
    ];
    let renewed = app.ask(&form).await?.text_at("access_token");
    let cookie = visitor.cookie.as_deref().and_then(|cookie| cookie.split_once('='));
    let cookie = cookie.map(|(_, value)| value.to_owned()).context("a cookie")?;
    let code = back.param("code").context("a code")?;
    it.secrets.extend([PASSWORD.to_owned(), code, cookie, app.verifier, access, refresh, renewed]);
    Ok(())
}

/// Wrong log-ins, and a patient who is searched for by a clinician: the page shows what was typed to who typed it, and
/// no address has it.
async fn pages(origin: &str) -> Result<()> {
    let mut visitor = Visitor::new(origin)?;
    let app = it::App::new(
        origin,
        "spa",
        "https://app.example.org/callback",
        "launch/patient patient/*.rs",
    );
    let page = visitor.open(&app.path()).await?;
    let form = page.form("/auth/login")?.with("login", WORD).with("password", WORD);
    let page = visitor.submit(&form).await?;
    ensure!(page.status == 403, "{page:?}");
    let form = page.form("/auth/login")?.with("login", "clara").with("password", PASSWORD);
    let page = visitor.submit(&form).await?;
    for (name, born) in [(WORD, DAY), ("x", WORD), (WORD, "")] {
        let form = page.form("/auth/patient")?.with("name", name).with("birthdate", born);
        let page = visitor.submit(&form).await?;
        for link in page.text.split("href=\"").chain(page.text.split("action=\"")).skip(1) {
            let link = link.split('"').next().unwrap_or_default();
            ensure!(!tells(link), "{link}");
        }
    }
    for path in [
        "/auth/record?patient=kanari",
        "/auth/record?from=kanari",
        "/auth/external?provider=kanari&to=kanari",
        "/auth/callback?state=kanari&code=kanari",
        "/auth/kanari",
        "/kanari",
    ] {
        visitor.open(path).await?;
    }
    Ok(())
}

/// A database that refuses says why, with the row that it refused.
#[tokio::test]
async fn what_a_database_complains_of_stays_with_it() -> Result<()> {
    let mut it = Driven::start().await?;
    let patient = examples()["Patient"].clone();
    it.send("PUT", &format!("/Patient/{ID}"), JSON, &patient).await?;
    let mut owner = it.database.connect().await?;
    for (broken, mended) in [
        (
            "alter table resource add constraint never check (version < 0) not valid",
            "alter table resource drop constraint never",
        ),
        ("create unique index never on resource ((1))", "drop index never"),
        (
            "alter table audit add constraint never check (client = 'x') not valid",
            "alter table audit drop constraint never",
        ),
        (
            "alter table resource rename column id to other",
            "alter table resource rename column other to id",
        ),
    ] {
        sqlx::raw_sql(sqlx::AssertSqlSafe(broken)).execute(&mut owner).await?;
        for (method, path, body) in [
            ("PUT", format!("/Patient/{ID}"), patient.replace("true", "false")),
            ("PUT", format!("/Patient/{ID}2"), patient.replace(ID, &format!("{ID}2"))),
            ("POST", "/Patient".to_owned(), patient.replace(&format!("\"id\":\"{ID}\","), "")),
        ] {
            it.send(method, &path, JSON, &body).await?;
        }
        let bundle = format!(
            r#"{{"resourceType":"Bundle","type":"transaction","entry":[{{"resource":{patient},"request":{{"method":"PUT","url":"Patient/{ID}"}}}}]}}"#
        );
        it.send("POST", "", JSON, &bundle.replace("true", "false")).await?;
        it.get(&format!("/Patient?family={WORD}&birthdate={DAY}")).await?;
        it.get(&format!("/Patient/{ID}")).await?;
        sqlx::raw_sql(sqlx::AssertSqlSafe(mended)).execute(&mut owner).await?;
    }
    it.end(24, 12).await
}
