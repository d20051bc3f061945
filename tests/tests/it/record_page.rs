//! The page “Who saw my record”: what it tells in plain words, to whom, by which days, page by page, as a table; and that
//! to look at it is a row, too.

use access::Role;
use anyhow::{Context, Result};
use auth::{AccountForm, Password, Passwords};
use it::{PASSWORD, Page, Signed, Visitor};
use store::AccountChange;

pub(crate) const HERE: &str = "/auth/record";

pub(crate) async fn world() -> Result<Signed> {
    Signed::start_with(|settings| {
        for app in settings.clients.iter_mut().filter(|app| app.id == "spa") {
            app.name = Some("=The \"app\", <b>spa</b>".into());
        }
    })
    .await
}

pub(crate) async fn enter(world: &Signed, login: &str, path: &str) -> Result<(Visitor, Page)> {
    let mut visitor = world.visitor()?;
    let page = visitor.open(path).await?;
    let form = page.form("/auth/login")?.with("login", login).with("password", PASSWORD);
    visitor.submit(&form).await?;
    let page = visitor.open(path).await?;
    Ok((visitor, page))
}

pub(crate) async fn account(world: &Signed, login: &str, role: &str, person: &str) -> Result<()> {
    let form = AccountForm {
        login: login.into(),
        fhir_user: Some(person.into()),
        roles: vec![role.into()],
        orgs: Vec::new(),
    };
    form.create(&world.store, &Passwords::new()?, Password::new(PASSWORD.into())).await?;
    Ok(())
}

/// The lines of a page, newest first: who, through what, did what, why. Tags and times are left out.
pub(crate) fn lines(page: &Page) -> Vec<String> {
    let rows = page.text.split("<tr><td>").skip(1).filter_map(|row| row.split("</tr>").next());
    let plain = |row: &str| {
        let texts =
            row.split('<').skip(1).filter_map(|it| it.split_once('>').map(|(_, text)| text));
        texts.map(str::trim).filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" ")
    };
    rows.map(plain).collect()
}

const APP: &str = "through =The &#34;app&#34;, &#60;b&#62;spa&#60;/b&#62;";

#[tokio::test]
async fn a_patient_reads_in_plain_words_who_saw_the_record() -> Result<()> {
    let world = world().await?;
    let clara = world.given(&world.spa("user/*.rs"), "clara", None).await?;
    assert_eq!(clara.get("/Observation/anna").await?.status, 200);
    assert_eq!(clara.get("/Observation?subject=Patient/anna").await?.status, 200);
    assert_eq!(clara.get("/Observation/bert").await?.status, 200);
    let (mut visitor, page) = enter(&world, "anna", HERE).await?;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("<title>Who saw my record – CareBridge</title>"), "{}", page.text);
    let said = lines(&page);
    // She signed in, and was led here: the first look.
    assert_eq!(said[0], "You through a page of this server Asked who saw the record", "{said:?}");
    let clinician = [
        format!("Clara Example {APP} Searched measurements and laboratory results"),
        format!("Clara Example {APP} Looked at measurements and laboratory results"),
    ];
    assert_eq!(said[1..3], clinician, "{said:?}");
    let program = said.last().context("a first line")?;
    assert!(
        program.starts_with("A program through ")
            && program.ends_with("Changed name, address and other personal details"),
        "{said:?}"
    );
    for other in ["bert", "Bert", "B-1", "<b>spa"] {
        assert!(!page.text.contains(other), "{other}: {}", page.text);
    }
    // Nobody else's, whatever the address says.
    for patient in ["bert", "Patient/bert", "nobody", "../x"] {
        let page = visitor.open(&format!("{HERE}?patient={patient}")).await?;
        assert!(lines(&page).is_empty() && page.text.contains("Whose record?"), "{}", page.text);
        let table = visitor.open(&format!("{HERE}.csv?patient={patient}")).await?;
        assert_eq!(table.status, 403, "{}", table.text);
    }
    let page = visitor.open(&format!("{HERE}?patient=anna")).await?;
    assert!(lines(&page).len() >= 4, "{}", page.text);
    Ok(())
}

/// The matrix of this route: what an account of each role, and of no other, is shown.
#[tokio::test]
async fn each_role_sees_its_own() -> Result<()> {
    let world = world().await?;
    for role in Role::ALL {
        let (login, person) = (
            format!("one-{}", role.as_str()),
            match role {
                Role::Patient => "Patient/anna",
                Role::Proxy => "RelatedPerson/mary",
                _ => "Practitioner/clara",
            },
        );
        account(&world, &login, role.as_str(), person).await?;
        let (mut visitor, page) = enter(&world, &login, HERE).await?;
        let other = visitor.open(&format!("{HERE}?patient=bert")).await?;
        let table = visitor.open(&format!("{HERE}.csv?patient=bert")).await?;
        let (own, others) = (page.text.contains("Who saw my record"), !lines(&other).is_empty());
        let expected = match role {
            Role::Patient => (200, true, 200, false, 403),
            Role::Auditor => (200, false, 200, true, 200),
            _ => (403, false, 403, false, 403),
        };
        let seen = (page.status, own, other.status, others, table.status);
        assert_eq!(seen, expected, "{role:?}: {}", page.text);
        assert!(others || !other.text.contains("Bert"), "{role:?}: {}", other.text);
    }
    // The role is taken away: what one was shown one is shown no more.
    let (mut visitor, page) = enter(&world, "bert", HERE).await?;
    assert!(page.text.contains("Who saw my record"), "{}", page.text);
    let roles = AccountChange::Roles(&[], &[]);
    world.store.change_account("bert", roles).await?;
    assert_eq!(visitor.open(HERE).await?.status, 403);
    Ok(())
}

#[tokio::test]
async fn whoever_stands_for_a_patient_sees_it_as_long_as_that_lasts() -> Result<()> {
    let world = world().await?;
    account(&world, "mary", "proxy", "RelatedPerson/mary").await?;
    let mary = world.store.account_of("mary").await?.account;
    let by = world.store.account_of("aude").await?.account;
    world.store.stand_for(mary, "bert", None, by).await?;
    let (mut visitor, page) = enter(&world, "mary", HERE).await?;
    assert!(page.text.contains("Who saw the record of Bert Beta"), "{}", page.text);
    assert!(page.text.contains("not shown which document"), "{}", page.text);
    assert!(lines(&page).iter().any(|line| line.starts_with("A program")), "{}", page.text);
    let other = visitor.open(&format!("{HERE}?patient=anna")).await?;
    assert!(lines(&other).is_empty() && !other.text.contains("Anna"), "{}", other.text);
    // To whom it was shown is there for the patient.
    let (_, page) = enter(&world, "bert", HERE).await?;
    let carer = "A relative or carer through a page of this server Asked who saw the record";
    assert!(lines(&page).iter().any(|line| line == carer), "{:?}", lines(&page));
    assert!(world.store.stand_down(mary, "bert").await?);
    for path in
        [HERE.to_owned(), format!("{HERE}?patient=bert"), format!("{HERE}.csv?patient=bert")]
    {
        let page = visitor.open(&path).await?;
        assert!(page.status == 403 && !page.text.contains("Bert"), "{path}: {}", page.text);
    }
    Ok(())
}

#[tokio::test]
async fn pages_follow_one_another_and_the_table_has_all() -> Result<()> {
    let world = world().await?;
    let spa = world.spa("user/*.rs");
    let clara = world.given(&spa, "clara", None).await?;
    for _ in 0..110 {
        assert_eq!(clara.get("/Observation/anna").await?.status, 200);
    }
    let (mut visitor, mut page) = enter(&world, "anna", HERE).await?;
    let (mut walked, mut links) = (Vec::new(), Vec::new());
    loop {
        walked.extend(lines(&page));
        let older = page.text.split("<a href=\"").skip(1).filter_map(|link| link.split('"').next());
        let Some(older) =
            older.map(|link| link.replace("&#38;", "&")).find(|it| it.contains("after="))
        else {
            break;
        };
        assert!(!older.contains("anna"), "nothing of the record is in an address: {older}");
        page = visitor.open(&older).await?;
        links.push(older);
    }
    assert_eq!(links.len(), 2, "{links:?}");
    let read = format!("Clara Example {APP} Looked at measurements and laboratory results");
    assert_eq!(walked.iter().filter(|line| **line == read).count(), 110);
    // A place is of whoever got it.
    let (mut other, _) = enter(&world, "bert", HERE).await?;
    assert_eq!(other.open(&links[0]).await?.status, 400);
    assert_eq!(visitor.open(&format!("{HERE}?after=x")).await?.status, 400);

    let table = visitor.open(&format!("{HERE}.csv")).await?;
    assert_eq!(table.header("content-type"), "text/csv; charset=utf-8; header=present");
    assert!(table.header("content-disposition").starts_with("attachment;"));
    assert_eq!(table.header("cache-control"), "no-store");
    let rows: Vec<&str> = table.text.split("\r\n").collect();
    assert_eq!(rows[0], "when (UTC),who,through,what,purpose");
    let read = r#","Clara Example","'=The ""app"", <b>spa</b>","Looked at measurements and laboratory results","""#;
    assert_eq!(rows.iter().filter(|row| row.ends_with(read)).count(), 110, "{:?}", rows.get(1..4));
    // Each look is a row: the pages', and the table's.
    let looks: i64 = sqlx::query_scalar(
        "select count(*) from audit a join account p on p.sub = a.subject
         where p.login = 'anna' and a.action = 5 and a.status = 200 and cardinality(a.patients) = 1",
    )
    .fetch_one(&mut world.server.database.connect().await?)
    .await?;
    assert_eq!(looks, 5, "where the log-in led, three pages, a table");
    Ok(())
}

#[tokio::test]
async fn days_and_disclosures_are_asked_for() -> Result<()> {
    let world = world().await?;
    let mut owner = world.server.database.connect().await?;
    for (ago, action, purpose, recipient) in [
        ("0 days", 10, Some("PUBHLTH"), "the Health Office"),
        ("0 days", 10, Some("TREAT"), "the next hospital"),
        ("7 years", 10, Some("PUBHLTH"), "somebody long ago"),
    ] {
        sqlx::query(
            "insert into audit (at, request_id, action, status, type, id, client, token_id, patients, purpose, recipient, interaction)
             select now() - $1::text::interval, 'x', $2, 200, r.type, r.id, 'dev-backend', '', array[r.id_hash], $3, $4, 13
             from resource r where r.id = 'anna' and r.id_hash in (select unnest(patients) from audit where id = 'anna')
             limit 1",
        )
        .bind(ago)
        .bind(action)
        .bind(purpose)
        .bind(recipient)
        .execute(&mut owner)
        .await?;
    }
    let (mut visitor, page) = enter(&world, "anna", HERE).await?;
    for recipient in ["the Health Office", "the next hospital", "somebody long ago"] {
        assert!(page.text.contains(recipient), "{recipient}: {}", page.text);
    }
    for (query, there, absent) in [
        ("show=disclosures", Some("the Health Office"), "the next hospital"),
        ("show=disclosures", Some("for public health"), "long ago"),
        ("to=2025-12-31", Some("long ago"), "the Health Office"),
        ("from=2025-01-01", Some("the next hospital"), "long ago"),
        ("from=2999-01-01", None, "the next hospital"),
    ] {
        let page = visitor.open(&format!("{HERE}?{query}")).await?;
        assert!(there.is_none_or(|there| page.text.contains(there)), "{query}: {}", page.text);
        assert!(!page.text.contains(absent), "{query}: {}", page.text);
        let table = visitor.open(&format!("{HERE}.csv?{query}")).await?;
        assert!(there.is_none_or(|there| table.text.contains(there)), "{query}: {}", table.text);
        assert!(!table.text.contains(absent), "{query}: {}", table.text);
    }
    for query in ["from=yesterday", "to=2026-02-30", "from=%22%3E%3Cscript%3E"] {
        let page = visitor.open(&format!("{HERE}?{query}")).await?;
        assert!(
            page.status == 400 && page.text.contains("That is no day"),
            "{query}: {}",
            page.text
        );
        assert!(lines(&page).is_empty() && !page.text.contains("<script"), "{query}");
    }
    Ok(())
}
