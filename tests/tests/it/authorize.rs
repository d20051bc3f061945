//! Standalone launch over HTTP, as a browser and an app see it: log-in, patient, consent, code, token. Items of the
//! checklist of SMART's certification are named by their numbers (G07 and so on).

use anyhow::{Context, Result};
use it::{App, Client, Signed, path};

/// A request of an app with other parameters: an empty value leaves one out.
fn changed(app: &App, changes: &[(&'static str, &str)]) -> String {
    let mut pairs = app.asks();
    for (name, value) in changes {
        pairs.retain(|(have, _)| have != name);
        if !value.is_empty() {
            pairs.push((name, (*value).to_owned()));
        }
    }
    path(&pairs)
}

async fn status(client: &Client, path: &str) -> Result<u16> {
    Ok(client.get(path).await?.status)
}

/// G06 to G12, G14 to G16, G66: a clinician gives an app a patient's record.
#[tokio::test]
async fn a_clinician_gives_an_app_one_patients_record() -> Result<()> {
    let world = Signed::start().await?;
    for app in [
        world.spa("launch/patient patient/Observation.rs patient/Patient.r"),
        world.server_app("launch/patient patient/Observation.rs patient/Patient.r"),
    ] {
        let mut visitor = world.visitor()?;
        let page = app.agree(&mut visitor, "clara", it::PASSWORD, Some("A-1")).await?;
        assert_eq!(page.status, 303);
        let location = page.location().context("it leads back")?;
        assert!(location.starts_with(&format!("{}?", app.redirect)), "{location}");
        assert_eq!(page.param("state"), Some(app.state.clone()));
        let answer = app.token(&page).await?;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(
            (answer.header("cache-control"), answer.header("pragma")),
            ("no-store", "no-cache")
        );
        assert_eq!(answer.text_at("patient"), "anna");
        assert_eq!(answer.text_at("token_type"), "Bearer");
        let granted = "launch/patient patient/Observation.rs patient/Patient.r";
        assert_eq!(answer.text_at("scope"), granted);
        assert!(answer.text.contains("\"need_patient_banner\":true"), "{}", answer.text);
        assert!(answer.text.contains("\"expires_in\":"), "{}", answer.text);
        let client = world.server.client.bearing(answer.text_at("access_token"));
        for (asked, expected) in [
            ("/Patient/anna", 200),
            ("/Observation/anna", 200),
            ("/Observation?patient=anna", 200),
            ("/Patient/bert", 404),
            ("/Observation/bert", 404),
            ("/Condition?patient=anna", 403),
            ("/Patient?name=alpha", 403),
        ] {
            assert_eq!(status(&client, asked).await?, expected, "{asked}");
        }
        let found = client.get("/Observation").await?;
        assert_eq!(crate::alike::found_in(&found), 1, "{}", found.text);
        assert_eq!(status(&client.anonymous(), "/Patient/anna").await?, 401);
    }
    Ok(())
}

#[tokio::test]
async fn a_patient_gives_the_own_record_and_chooses_nobody_else() -> Result<()> {
    let world = Signed::start().await?;
    let app = world.spa("launch/patient patient/*.rs");
    let client = world.given(&app, "bert", None).await?;
    for (asked, expected) in
        [("/Patient/bert", 200), ("/Observation/bert", 200), ("/Patient/anna", 404)]
    {
        assert_eq!(status(&client, asked).await?, expected, "{asked}");
    }
    // Whoever writes another patient into the form is asked about the own one all the same.
    let mut visitor = world.visitor()?;
    let page = visitor.open(&app.path()).await?;
    let form = page.form("/auth/login")?.with("login", "bert").with("password", it::PASSWORD);
    let page = visitor.submit(&form).await?;
    let form = page.form("/auth/consent")?.with("patient", "anna").with("decision", "allow");
    let answer = app.token(&visitor.submit(&form).await?).await?;
    assert_eq!(answer.text_at("patient"), "bert");
    Ok(())
}

/// G31 to G33, G82: what is left out is not granted.
#[tokio::test]
async fn what_a_person_leaves_out_is_not_granted() -> Result<()> {
    let world = Signed::start().await?;
    let app = world.spa("patient/Patient.r patient/Observation.rs patient/Condition.rs");
    let mut visitor = world.visitor()?;
    let page = visitor.open(&app.path()).await?;
    let form = page.form("/auth/login")?.with("login", "anna").with("password", it::PASSWORD);
    let page = visitor.submit(&form).await?;
    let form = page.form("/auth/consent")?;
    let asked = ["patient/Patient.r", "patient/Observation.rs", "patient/Condition.rs"];
    assert_eq!(form.values("scope"), asked);
    let form = form
        .without("scope", "patient/Observation.rs")
        // And more than was asked for.
        .with("extra", "x")
        .with("decision", "allow");
    let mut form = form;
    form.fields.push(("scope".into(), "patient/Encounter.rs".into()));
    form.fields.push(("scope".into(), "system/*.cruds".into()));
    let answer = app.token(&visitor.submit(&form).await?).await?;
    assert_eq!(answer.text_at("scope"), "patient/Patient.r patient/Condition.rs");
    let client = world.server.client.bearing(answer.text_at("access_token"));
    for (asked, expected) in [
        ("/Patient/anna", 200),
        ("/Condition?patient=anna", 200),
        ("/Observation?patient=anna", 403),
        ("/Encounter?patient=anna", 403),
    ] {
        assert_eq!(status(&client, asked).await?, expected, "{asked}");
    }
    // Nothing at all, and no.
    let page = visitor.open(&app.path()).await?;
    let form = page.form("/auth/consent")?;
    let none = asked.iter().fold(form.clone(), |form, scope| form.without("scope", scope));
    let again = visitor.submit(&none.with("decision", "allow")).await?;
    assert_eq!(again.status, 400);
    assert!(again.text.contains("Leave something in"), "{}", again.text);
    let no = visitor.submit(&form.with("decision", "deny")).await?;
    assert_eq!(no.param("error").as_deref(), Some("access_denied"));
    assert_eq!(no.param("state"), Some(app.state.clone()));
    assert_eq!(no.param("code"), None);
    Ok(())
}

/// G69, G72, G73, G75 and the rest of what the authorization endpoint refuses.
#[tokio::test]
async fn what_is_wrong_with_a_request_is_told_where_it_is_safe() -> Result<()> {
    let world = Signed::start().await?;
    let app = world.spa("launch/patient patient/*.rs");
    let evil = "https://app.example.org.evil.example/callback";
    // Nobody is sent to an address that is not registered.
    for changes in [
        vec![("client_id", "nobody")],
        vec![("client_id", "dev-backend")],
        vec![("client_id", "")],
        vec![("redirect_uri", evil)],
        vec![("redirect_uri", "https://app.example.org/callback/")],
        vec![("redirect_uri", "https://app.example.org/callback?x=1")],
        vec![("redirect_uri", "https://app.example.org/callback#x")],
        vec![("redirect_uri", "HTTPS://app.example.org/callback")],
        vec![("redirect_uri", "")],
        vec![("redirect_uri", evil), ("aud", "https://elsewhere.example/fhir")],
    ] {
        let page = world.visitor()?.open(&changed(&app, &changes)).await?;
        assert_eq!((page.status, page.location()), (400, None), "{changes:?}");
        assert!(page.text.contains("registered"), "{}", page.text);
    }
    let twice = format!("{}&redirect_uri={evil}", app.path());
    assert_eq!(world.visitor()?.open(&twice).await?.status, 400);
    for (changes, error) in [
        (vec![("aud", "https://elsewhere.example/fhir")], "invalid_request"),
        (vec![("aud", "")], "invalid_request"),
        (vec![("state", "")], "invalid_request"),
        (vec![("code_challenge", ""), ("code_challenge_method", "")], "invalid_request"),
        (vec![("code_challenge", "")], "invalid_request"),
        (vec![("code_challenge", "short")], "invalid_request"),
        (vec![("code_challenge_method", "plain")], "invalid_request"),
        (vec![("code_challenge_method", "")], "invalid_request"),
        (vec![("response_type", "token")], "unsupported_response_type"),
        (vec![("launch", "made-up")], "invalid_request"),
        (vec![("scope", "")], "invalid_scope"),
        (vec![("scope", "patient/Observation.sr")], "invalid_scope"),
        (vec![("scope", "system/*.rs")], "invalid_scope"),
        (vec![("scope", "made-up")], "invalid_scope"),
    ] {
        let page = world.visitor()?.open(&changed(&app, &changes)).await?;
        assert_eq!(page.param("error").as_deref(), Some(error), "{changes:?} {page:?}");
        let state = (!changes.contains(&("state", ""))).then(|| app.state.clone());
        assert_eq!(page.param("state"), state, "{changes:?}");
        assert!(page.location().is_some_and(|to| to.starts_with(&app.redirect)), "{changes:?}");
        assert_eq!(page.param("code"), None);
    }
    // The base with a slash is the base; a registered address may have a query.
    let more = format!("{}?tenant=1", app.redirect);
    let (base, more) = (format!("{}/fhir/", world.origin), more.as_str());
    for changes in [vec![("aud", base.as_str())], vec![("redirect_uri", more)]] {
        let page = world.visitor()?.open(&changed(&app, &changes)).await?;
        assert_eq!(page.status, 200, "{changes:?}");
    }
    Ok(())
}

/// Roles that see nothing clinical, and people who are nobody in the data, can give nothing clinical.
#[tokio::test]
async fn who_has_no_right_gives_none() -> Result<()> {
    let world = Signed::start().await?;
    for login in ["aude", "nemo"] {
        let app = world.spa("launch/patient patient/*.rs user/*.rs");
        let mut visitor = world.visitor()?;
        let page = visitor.open(&app.path()).await?;
        let form = page.form("/auth/login")?.with("login", login).with("password", it::PASSWORD);
        let page = visitor.submit(&form).await?;
        assert_eq!(page.param("error").as_deref(), Some("invalid_scope"), "{login} {page:?}");
    }
    Ok(())
}

/// Whoever can only say who he is has no patient to choose: the page says why, and leads back to the app.
#[tokio::test]
async fn who_opens_no_record_is_told_why_and_led_back() -> Result<()> {
    let world = Signed::start().await?;
    for (login, why) in [("aude", "watching over it"), ("nemo", "nobody in the data")] {
        let app = world.spa("openid launch/patient patient/*.rs");
        let mut visitor = world.visitor()?;
        let page = visitor.open(&app.path()).await?;
        let form = page.form("/auth/login")?.with("login", login).with("password", it::PASSWORD);
        let page = visitor.submit(&form).await?;
        let mut searched = page.form("/auth/logout")?.with("name", "alph");
        searched.action = "/auth/patient".into();
        for page in [page, visitor.submit(&searched).await?] {
            assert_eq!(page.status, 200, "{login}");
            assert!(page.text.contains(why) && page.text.contains("What you can do"), "{page:?}");
            assert!(page.form("/auth/patient").is_err(), "nothing to search with: {page:?}");
            let back = page.link(it::REDIRECT)?;
            assert!(back.contains("error=access_denied"), "{back}");
            assert!(back.contains(&format!("state={}", app.state)), "{back}");
        }
    }
    // Who may choose is led back, too.
    let app = world.spa("launch/patient patient/*.rs");
    let mut visitor = world.visitor()?;
    let page = visitor.open(&app.path()).await?;
    let form = page.form("/auth/login")?.with("login", "clara").with("password", it::PASSWORD);
    let page = visitor.submit(&form).await?;
    assert!(page.form("/auth/patient").is_ok() && page.link(it::REDIRECT).is_ok(), "{page:?}");
    Ok(())
}

#[tokio::test]
async fn only_a_patient_whom_the_person_may_see_is_chosen() -> Result<()> {
    let world = Signed::start().await?;
    let app = world.spa("launch/patient patient/*.rs");
    let mut visitor = world.visitor()?;
    let page = visitor.open(&app.path()).await?;
    let form = page.form("/auth/login")?.with("login", "clara").with("password", it::PASSWORD);
    let page = visitor.submit(&form).await?;
    let picker = page.form("/auth/patient")?;
    for (field, typed, found) in [
        ("name", "alph", Some("Anna Alpha")),
        ("birthdate", "1990-03-04", Some("Bert Beta")),
        ("identifier", "B-1", Some("Bert Beta")),
        ("name", "nobody", None),
        ("name", "alph,bet", None),
        ("identifier", "A-1,B-1", None),
    ] {
        let page = visitor.submit(&picker.clone().with(field, typed)).await?;
        assert_eq!(page.status, 200, "{typed}");
        match found {
            Some(name) => assert!(page.text.contains(name), "{typed}: {}", page.text),
            None => assert!(page.text.contains("Nobody was found"), "{typed}: {}", page.text),
        }
    }
    for (field, typed) in [("name", ""), ("birthdate", "tomorrow"), ("name", &"x".repeat(200))] {
        let page = visitor.submit(&picker.clone().with(field, typed)).await?;
        assert_eq!(page.status, 400, "{typed}");
    }
    let page = visitor.submit(&picker.with("name", "alph")).await?;
    let consent = page.form("/auth/consent")?;
    for (patient, status) in [("made-up", 303), ("../x", 400), ("", 400)] {
        let page = visitor.submit(&consent.clone().with("patient", patient)).await?;
        assert_eq!(page.status, status, "{patient}: {page:?}");
        assert_eq!(page.param("code"), None);
    }
    // The search and the look at one patient are recorded as what they are.
    visitor.submit(&consent).await?;
    let mut owner = world.server.database.connect().await?;
    let recorded: Vec<(i16, Option<String>, bool)> = sqlx::query_as(
        "select action, person, cardinality(patients) = 1 from audit
         where client = 'carebridge' and action in (1, 4) and cardinality(patients) > 0 order by at",
    )
    .fetch_all(&mut owner)
    .await?;
    let person = Some("Practitioner/clara".to_owned());
    assert!(recorded.contains(&(4, person.clone(), true)), "{recorded:?}");
    assert!(recorded.contains(&(1, person, true)), "{recorded:?}");
    Ok(())
}

/// Without a relationship a clinician reaches nobody, and so can choose nobody.
#[tokio::test]
async fn who_reaches_no_patient_gives_no_patients_record() -> Result<()> {
    let world = Signed::start_with(|settings| {
        settings.policy.treatment = access::Treatment::Related;
    })
    .await?;
    let stranger = r#"{"resourceType":"Patient","id":"anna","name":[{"family":"Alpha"}]}"#;
    assert_eq!(world.server.client.send("PUT", "/Patient/anna", stranger).await?.status, 200);
    let app = world.spa("launch/patient patient/*.rs");
    let mut visitor = world.visitor()?;
    let page = visitor.open(&app.path()).await?;
    let form = page.form("/auth/login")?.with("login", "clara").with("password", it::PASSWORD);
    let page = visitor.submit(&form).await?;
    let form = page.form("/auth/patient")?;
    let found = visitor.submit(&form.clone().with("name", "alph")).await?;
    assert!(found.text.contains("Nobody was found"), "{}", found.text);
    let mut consent = form.with("patient", "anna");
    consent.action = "/auth/consent".into();
    let page = visitor.submit(&consent).await?;
    assert_eq!(page.param("error").as_deref(), Some("access_denied"), "{page:?}");
    // Of Bert she is the general practitioner.
    let client = world.given(&app, "clara", Some("B-1")).await?;
    assert_eq!(status(&client, "/Patient/bert").await?, 200);
    Ok(())
}

/// An app may send a form, which comes without the cookie of ours.
#[tokio::test]
async fn a_form_of_the_app_is_as_good_as_a_link() -> Result<()> {
    let world = Signed::start().await?;
    let app = world.spa("launch/patient patient/*.rs");
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
    let url = format!("{}/auth/authorize", world.origin);
    let request = http.post(url).header("origin", "https://app.example.org").form(&app.asks());
    let answer = it::Answer::of(request).await?;
    assert_eq!(answer.status, 303);
    let page = world.visitor()?.open(answer.header("location")).await?;
    assert!(page.form("/auth/login").is_ok());
    Ok(())
}

/// RFC 9207: an app that speaks to several servers can tell from which an answer comes, a good one or a bad.
#[tokio::test]
async fn every_answer_says_who_gives_it() -> Result<()> {
    let world = Signed::start().await?;
    let app = world.spa("openid patient/Patient.rs");
    let anybody = world.server.client.anonymous();
    let smart = anybody.get("/.well-known/smart-configuration").await?;
    let known = format!("{}/auth/.well-known/openid-configuration", world.origin);
    let openid = anybody.get(&known).await?;
    for document in [&smart, &openid] {
        let supported = r#""authorization_response_iss_parameter_supported":true"#;
        assert!(document.text.contains(supported), "{}", document.text);
    }
    let issuer = smart.text_at("issuer");
    assert_eq!(openid.text_at("issuer"), issuer);
    let mut visitor = world.visitor()?;
    let given = app.agree(&mut visitor, "anna", it::PASSWORD, None).await?;
    assert!(given.param("code").is_some());
    let refused = visitor.open(&app.path()).await?.form("/auth/consent")?.with("decision", "deny");
    let refused = visitor.submit(&refused).await?;
    assert_eq!(refused.param("error").as_deref(), Some("access_denied"));
    let wrong = visitor.open(&changed(&app, &[("code_challenge_method", "plain")])).await?;
    assert_eq!(wrong.param("error").as_deref(), Some("invalid_request"));
    for page in [given, refused, wrong] {
        assert_eq!(page.param("iss").as_deref(), Some(issuer.as_str()), "{page:?}");
    }
    Ok(())
}
