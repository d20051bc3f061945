//! Small distributions in each form, and what is wrong with bad ones. The real ICD-10-CM is read where the machine has it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;

use canonical_model::{Error, Result};
use flate2::read::GzDecoder;

use super::{Format, Source, read};
use crate::code_system::CodeSystem;

/// Files in memory.
struct Files(BTreeMap<String, Vec<u8>>);

impl Source for Files {
    fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    fn open(&mut self, name: &str) -> Result<Box<dyn BufRead + '_>> {
        let bytes = self.0.get(name).ok_or_else(|| Error::internal("no such file"))?;
        Ok(Box::new(bytes.as_slice()))
    }
}

fn files(all: &[(&str, &str)]) -> Files {
    Files(all.iter().map(|(name, text)| ((*name).into(), text.as_bytes().to_vec())).collect())
}

fn import(format: Format, all: &[(&str, &str)]) -> Result<CodeSystem> {
    let builder = read(format, &mut files(all))?;
    CodeSystem::decode(&builder.encode()?)
}

/// Each concept as `code=display`, with what it is below.
fn told(system: &CodeSystem) -> String {
    let one = |place| {
        let below: Vec<&str> = system.parents(place).iter().map(|it| system.code(*it)).collect();
        let below = if below.is_empty() { String::new() } else { format!("<{}", below.join("+")) };
        let gone = if system.is_inactive(place) { "!" } else { "" };
        format!("{}{gone}={}{below}", system.code(place), system.display(place).unwrap_or_default())
    };
    system.places().map(one).collect::<Vec<_>>().join("; ")
}

const ICD: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<ICD10CM.tabular><version>2026</version><chapter><name>4</name><section id="E08-E13"><desc>Diabetes</desc>
<diag><name>E08</name><desc>Diabetes of a cause</desc>
 <diag><name>E08.3</name><desc>With the eye</desc>
  <sevenChrDef><extension char="1">right eye</extension><extension char="2">left eye</extension></sevenChrDef>
  <diag><name>E08.321</name><desc>Mild</desc><inclusionTerm><note>Slight</note></inclusionTerm></diag>
 </diag>
 <diag><name>E08.9</name><desc>Without more</desc></diag></diag>
<diag><name>W29</name><desc>Contact</desc><sevenChrDef><extension char="A">initial encounter</extension></sevenChrDef></diag>
</section></chapter></ICD10CM.tabular>"#;

#[test]
fn icd10cm_has_seventh_characters() {
    let system = import(Format::Icd10cm, &[("tabular.xml", ICD)]).expect("read");
    assert_eq!(
        told(&system),
        "E08=Diabetes of a cause; E08.3=With the eye<E08; E08.321=Mild<E08.3; \
         E08.3211=Mild, right eye<E08.321; E08.3212=Mild, left eye<E08.321; \
         E08.9=Without more<E08; W29=Contact; W29.XXXA=Contact, initial encounter<W29"
    );
    assert_eq!(system.head().version.as_deref(), Some("2026"));
    let billable: Vec<&str> = system
        .places()
        .filter(|place| {
            system.properties(*place).any(|it| (it.name, it.value) == ("billable", "true"))
        })
        .map(|place| system.code(place))
        .collect();
    assert_eq!(billable, ["E08.3211", "E08.3212", "E08.9", "W29.XXXA"]);
    let mild = system.find("e08.321").expect("in any case");
    assert_eq!(system.designations(mild).map(|it| it.value).collect::<Vec<_>>(), ["Slight"]);
}

/// The published list, as CDC's own count of its codes has it.
#[test]
fn icd10cm_is_read_whole_where_it_is_there() {
    let folder =
        std::env::var("CAREBRIDGE_SHARED_DATA").unwrap_or_else(|_| "../../../shared/data".into());
    let file = Path::new(&folder).join("terminology/icd10cm-tabular-2026-04.xml.gz");
    let Ok(file) = std::fs::File::open(&file) else {
        let mut out = std::io::stderr().lock();
        use std::io::Write as _;
        writeln!(out, "SKIPPED: icd10cm_is_read_whole: no {}", file.display()).expect("stderr");
        return;
    };
    struct Gz(Option<std::fs::File>);
    impl Source for Gz {
        fn names(&self) -> Vec<String> {
            vec!["icd10cm-tabular.xml".to_owned()]
        }
        fn open(&mut self, _: &str) -> Result<Box<dyn BufRead + '_>> {
            let file = self.0.take().ok_or_else(|| Error::internal("opened twice"))?;
            Ok(Box::new(BufReader::new(GzDecoder::new(file))))
        }
    }
    let builder = read(Format::Icd10cm, &mut Gz(Some(file))).expect("read");
    let bytes = builder.encode().expect("bytes");
    assert!(bytes.len() < 4_000_000, "{} bytes", bytes.len());
    let system = CodeSystem::decode(&bytes).expect("decoded");
    let billable = |place: &u32| {
        system.properties(*place).any(|it| (it.name, it.value) == ("billable", "true"))
    };
    let count = system.places().filter(billable).count();
    assert!((74_000..76_000).contains(&count), "{count} of {}", system.len());
    for (code, display) in [
        ("E11.9", "Type 2 diabetes mellitus without complications"),
        ("A02.25", "Salmonella pyelonephritis"),
        (
            "S72.001A",
            "Fracture of unspecified part of neck of right femur, initial encounter for closed fracture",
        ),
    ] {
        let place = system.find(code).unwrap_or_else(|| panic!("{code} is not there"));
        assert_eq!(system.display(place), Some(display), "{code}");
    }
    let (above, below) = (system.find("E11").expect("E11"), system.find("E11.9").expect("E11.9"));
    assert!(system.subsumes(above, below) && !system.subsumes(below, above));
}

#[test]
fn lists_of_lines_are_read() {
    let cvx = "CVX Code|Short|Full|Notes|Status|id|non|date\n03 |MMR|measles, mumps and rubella|x|Active|1|f|d\r\n\n90|rabies, NOS|rabies, unspecified|x|Inactive|1|f|d\n";
    let system = import(Format::Cvx, &[("cvx.txt", cvx)]).expect("read");
    assert_eq!(told(&system), "03=MMR; 90!=rabies, NOS");
    let tabbed = import(Format::Cvx, &[("x.tsv", "03\tMMR\n10\tIPV\n")]).expect("read");
    assert_eq!(told(&tabbed), "03=MMR; 10=IPV");
    let loinc = "\"LOINC_NUM\",\"COMPONENT\",\"STATUS\",\"VersionLastChanged\",\"SHORTNAME\",\"LONG_COMMON_NAME\"\n\"1-8\",\"Acyclovir\",\"ACTIVE\",\"2.9\",\"Acyclovir Susc\",\"Acyclovir, \"\"x\"\"\"\n\"2-6\",\"Y\",\"DEPRECATED\",\"2.77\",\"\",\"Y in\nblood\"\n";
    let hierarchy = "PATH_TO_ROOT,SEQUENCE,IMMEDIATE_PARENT,CODE,CODE_TEXT\n,1,,LP1,Laboratory\nLP1,1,LP1,1-8,Acyclovir\n";
    let all = [("a/Loinc.csv", loinc), ("b/ComponentHierarchyBySystem.csv", hierarchy)];
    let system = import(Format::Loinc, &all).expect("read");
    assert_eq!(told(&system), "1-8=Acyclovir, \"x\"<LP1; 2-6!=Y in\nblood; LP1=Laboratory");
    assert_eq!(system.head().version.as_deref(), Some("2.77"));
    let tabbed = import(Format::Loinc, &[("l.tsv", "1-8\tAcyclovir, x\n2-6\tY\n")]).expect("read");
    assert_eq!(told(&tabbed), "1-8=Acyclovir, x; 2-6=Y");
    let ucum = r#"<root xmlns="http://unitsofmeasure.org/ucum-essence" version="2.1"><base-unit Code="m"><name>meter</name><property>length</property></base-unit><unit Code="[in_i]"><name>inch</name></unit></root>"#;
    let system = import(Format::Ucum, &[("ucum-essence.xml", ucum)]).expect("read");
    assert_eq!(told(&system), "m=meter; [in_i]=inch");
    assert!(!system.is_complete(), "a grammar makes more codes");
}

const CONSO: &str = "161|ENG|||||||||161|RXNORM|IN|161|acetaminophen||N||\n\
    161|ENG|||||||||161|RXNORM|SY|161|APAP||N||\n\
    161|ENG|||||||||161|MTHSPL|SU|x|ACETAMINOPHEN||N||\n\
    999|ENG|||||||||999|RXNORM|SCD|999|acetaminophen 1 MG||O||\n";

#[test]
fn rxnorm_and_snomed_are_read() {
    let rel = "161|||RN|999|||isa|||RXNORM||||||\n161|||RO|999|||has_ingredient|||RXNORM||||||\n7|||RN|999|||isa|||RXNORM||||||\n";
    let sab = "1|2|RXNORM_25|RXNORM|x|x|25AA_250106F|\n";
    let all = [("rrf/RXNCONSO.RRF", CONSO), ("rrf/RXNREL.RRF", rel), ("rrf/RXNSAB.RRF", sab)];
    let system = import(Format::Rxnorm, &all).expect("read");
    assert_eq!(told(&system), "161=acetaminophen; 999!=acetaminophen 1 MG<161");
    assert_eq!(system.head().version.as_deref(), Some("25AA_250106F"));
    let drug = system.find("999").expect("a code");
    assert!(system.properties(drug).any(|it| (it.name, it.value) == ("has_ingredient", "161")));

    let concepts = "id\teffectiveTime\tactive\tmoduleId\tdefinitionStatusId\n1\t20260101\t1\t9\t900000000000073002\n2\t20260101\t0\t9\t900000000000074008\n";
    let descriptions = "id\teffectiveTime\tactive\tmoduleId\tconceptId\tlanguageCode\ttypeId\tterm\tcaseSignificanceId\n\
        11\t20260101\t1\t9\t1\ten\t900000000000003001\tTop (thing)\tx\n\
        12\t20260101\t1\t9\t1\ten\t900000000000013009\tSummit\tx\n\
        13\t20260101\t1\t9\t1\ten\t900000000000013009\tTop\tx\n\
        21\t20260101\t1\t9\t2\ten\t900000000000003001\tLow (thing)\tx\n";
    let language = "id\teffectiveTime\tactive\tmoduleId\trefsetId\treferencedComponentId\tacceptabilityId\n\
        a\t20260101\t1\t9\t900000000000509007\t13\t900000000000548007\n\
        b\t20260101\t1\t9\t900000000000508004\t12\t900000000000548007\n";
    let relations = "id\teffectiveTime\tactive\tmoduleId\tsourceId\tdestinationId\trelationshipGroup\ttypeId\tcharacteristicTypeId\tmodifierId\n\
        5\t20260101\t1\t9\t2\t1\t0\t116680003\tx\tx\n";
    let all = [
        ("S/sct2_Concept_Snapshot_INT_20260101.txt", concepts),
        ("S/sct2_Description_Snapshot-en_INT_20260101.txt", descriptions),
        ("S/der2_cRefset_LanguageSnapshot-en_INT_20260101.txt", language),
        ("S/sct2_Relationship_Snapshot_INT_20260101.txt", relations),
    ];
    let system = import(Format::Snomed, &all).expect("read");
    assert_eq!(told(&system), "1=Top; 2!=Low (thing)<1");
    let version = "http://snomed.info/sct/900000000000207008/version/20260101";
    assert_eq!(system.head().version.as_deref(), Some(version));
}

#[test]
fn what_is_no_distribution_is_refused_by_file_and_line() {
    let doctype = r#"<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><ICD10CM.tabular>&a;</ICD10CM.tabular>"#;
    let long = "03\t".to_owned() + &"x".repeat(1 << 21);
    for (format, name, text, expected) in [
        (Format::Icd10cm, "a.xml", doctype, "DOCTYPE"),
        (Format::Icd10cm, "a.xml", "<a><b></a>", "not well-formed"),
        (Format::Icd10cm, "a.xml", "<a/>", "no ICD10CM.tabular"),
        (Format::Icd10cm, "a.xml", "<ICD10CM.tabular/>", "no codes of ICD-10-CM"),
        (Format::Ucum, "a.xml", "<a/>", "no definition of UCUM"),
        (Format::Cvx, "cvx.txt", "03|MMR\nMMR|03\n", "cvx.txt, line 2: expected a number"),
        (Format::Cvx, "cvx.txt", &long, "cvx.txt, line 1: the line is longer"),
        (Format::Cvx, "cvx.txt", "", "no codes of CVX"),
        (Format::Loinc, "Loinc.csv", "LOINC_NUM,X\n1-8,x\n", "no column LONG_COMMON_NAME"),
        (
            Format::Loinc,
            "Loinc.csv",
            "LOINC_NUM,LONG_COMMON_NAME\nx,y\n",
            "Loinc.csv, line 2: LOINC_NUM",
        ),
        (
            Format::Loinc,
            "Loinc.csv",
            "LOINC_NUM,LONG_COMMON_NAME\n1-8,\"y\n",
            "a quote is not closed",
        ),
        (Format::Loinc, "x.csv", "what,ever\n", "x.csv, line 1: expected the column LOINC_NUM"),
        (Format::Rxnorm, "RXNCONSO.RRF", "x|y\n", "RXNCONSO.RRF, line 1: expected a row"),
        (Format::Snomed, "a.txt", "x", "no sct2_Concept_Snapshot_*.txt"),
    ] {
        let refused = import(format, &[(name, text)]).expect_err(expected).to_string();
        assert!(refused.contains(expected), "{expected}: {refused}");
    }
    let bad = [("cvx.txt".to_owned(), vec![b'0', b'3', b'\t', 0xff, 0xfe])];
    let refused = read(Format::Cvx, &mut Files(bad.into())).expect_err("no UTF-8").to_string();
    assert!(refused.contains("cvx.txt, line 1: it is not UTF-8"), "{refused}");
}
