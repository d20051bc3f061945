//! Whatever drives a search, and whatever it walks: the answer is the same. What is small is counted, so
//! servers on one database that may count nothing, little and much drive it differently.

use anyhow::{Context, Result};
use it::Fixture;

use crate::search::ids;
use crate::search_random::population;
use crate::search_walk::walk;

const FILTERS: [&str; 26] = [
    "Observation?patient.gender=male",
    "Observation?subject:Patient.gender=female&status=final",
    "Observation?patient.general-practitioner.name=a",
    "Observation?subject:Patient.general-practitioner.name=e,m,s",
    "Observation?patient.organization.name=a,b,c,d,e,f,g,h,i,j,k,l,m",
    "Observation?encounter.participant.name=a,s&category=vital-signs",
    "Observation?encounter.service-provider.name=c",
    "Observation?code=8867-4&patient.gender=male",
    "Observation?code=8867-4&encounter.class=AMB",
    "Observation?patient._has:Condition:patient:clinical-status=active",
    "Observation?patient.name=nobody",
    "Observation?date=ge2024&patient.gender=male",
    "Observation?_filter=patient.gender%20eq%20male%20or%20status%20eq%20amended",
    "Observation?status=final,amended",
    "Observation?value-quantity=gt100&status=final",
    "Observation?date=ge2024-03&date=le2025-02",
    "Observation?code:not=8867-4&date=2025",
    "Patient?_has:Observation:patient:code=8867-4",
    "Patient?_has:Observation:patient:status=final&gender=male",
    "Patient?_has:Observation:patient:_has:DiagnosticReport:result:status=final",
    "Patient?_has:Encounter:patient:_has:Observation:encounter:code=8867-4",
    "Patient?name=a,b,c,d",
    "Practitioner?_has:Patient:general-practitioner:_has:Observation:patient:code=8867-4",
    "Practitioner?_has:Encounter:practitioner:class=AMB",
    "Encounter?patient.birthdate=ge1950&class=AMB",
    "Condition?encounter.patient.gender=female",
];
const SORTS: [&str; 8] = [
    "",
    "&_sort=-date",
    "&_sort=date",
    "&_sort=-_lastUpdated",
    "&_sort=_id",
    "&_sort=name",
    "&_sort=-family",
    "&_sort=family,-name",
];

/// A sort that the type has.
fn fits(filter: &str, sort: &str) -> bool {
    let dated = filter.starts_with("Observation") || filter.starts_with("Encounter");
    let named = filter.starts_with("Patient") || filter.starts_with("Practitioner");
    match sort {
        _ if sort.ends_with("date") => dated,
        _ if sort.ends_with("name") || sort.ends_with("family") => named,
        _ => true,
    }
}

#[tokio::test]
async fn whatever_drives_a_search_finds_the_same() -> Result<()> {
    let plenty = Fixture::start().await?;
    population(&plenty.client).await?;
    let mut others = Vec::new();
    for entries in [0, 40, 400, 2_000] {
        let change = |settings: &mut server::Settings| settings.database.probed_entries = entries;
        others.push((entries, Fixture::on(plenty.database.clone(), change).await?));
    }
    let (mut wrong, mut found) = (Vec::new(), 0);
    for filter in FILTERS {
        let whole = walk(&plenty.client, &format!("/{filter}&_count=1000&_sort=_id")).await?;
        found += usize::from(!whole.is_empty());
        for sort in SORTS.iter().filter(|sort| fits(filter, sort)) {
            let query = format!("/{filter}{sort}&_count={}", (whole.len() / 4).clamp(3, 1000));
            let order = walk(&plenty.client, &query).await.context(query.clone())?;
            for (entries, server) in others.iter().map(|(n, server)| (*n, server)) {
                let walked = walk(&server.client, &query).await.context(query.clone())?;
                // Without a sort each driver has its own order.
                if !sort.is_empty() && walked != order {
                    wrong.push(format!("{query}, {entries} counted: in another order"));
                }
                let mut sorted = walked.clone();
                sorted.sort();
                if sorted != whole {
                    let (met, all) = (walked.len(), whole.len());
                    wrong.push(format!("{query}, {entries} counted: {met} found, {all} expected"));
                }
            }
        }
        let counted = format!("/{filter}&_summary=count");
        for (entries, server) in &others {
            let total = server.client.get(&counted).await?.at("total").map(|total| total.to_text());
            if total != Some(whole.len().to_string()) {
                wrong.push(format!("{counted}, {entries} counted: {total:?}, not {}", whole.len()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(found > FILTERS.len() / 2, "only {found} searches had a match");
    Ok(())
}

/// The pages of a walk, each from the next server.
async fn by_turns(servers: &[&Fixture], first: &str) -> Result<Vec<String>> {
    let (mut path, mut met) = (first.to_owned(), Vec::new());
    for server in servers.iter().cycle() {
        let page = server.client.get(&path).await?;
        anyhow::ensure!(page.status == 200, "{path}: {}", page.text);
        met.extend(ids(&page).split(',').filter(|id| !id.is_empty()).map(str::to_owned));
        let Some(next) = page.link("next") else { break };
        path = next
            .strip_prefix(&server.client.base)
            .context("a link of the server's own")?
            .to_owned();
    }
    Ok(met)
}

/// What drives a walk may grow beyond what is counted while it goes on, or be counted by another server.
#[tokio::test]
async fn a_walk_goes_on_however_much_there_is_by_then() -> Result<()> {
    let little = Fixture::start_with(|settings| settings.database.probed_entries = 0).await?;
    population(&little.client).await?;
    let change = |settings: &mut server::Settings| settings.database.probed_entries = 2_000;
    let much = Fixture::on(little.database.clone(), change).await?;
    let mut wrong = Vec::new();
    for filter in FILTERS {
        let whole = walk(&little.client, &format!("/{filter}&_count=1000&_sort=_id")).await?;
        for sort in SORTS.iter().filter(|sort| fits(filter, sort)) {
            let query = format!("/{filter}{sort}&_count={}", (whole.len() / 4).clamp(3, 1000));
            for servers in [[&little, &much], [&much, &little]] {
                let mut met = match by_turns(&servers, &query).await {
                    Ok(met) => met,
                    Err(error) => {
                        wrong.push(format!("{error:#}"));
                        continue;
                    }
                };
                met.sort();
                if met != whole {
                    wrong.push(format!("{query}: {} found, {} expected", met.len(), whole.len()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}
