//! What the guide to searches tells: one row for each thing that is supported, with a worked example. A test
//! holds the tables of modifiers against the reader of queries, another sends every example.

use conformance::SearchParamKind;

/// Something that a search can say.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// How it is written.
    pub name: &'static str,
    /// What it means.
    pub text: &'static str,
    /// A request below the FHIR base.
    pub example: &'static str,
}

const fn row(name: &'static str, text: &'static str, example: &'static str) -> Row {
    Row { name, text, example }
}

/// A kind of parameter.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// Its type.
    pub kind: SearchParamKind,
    /// The values it takes.
    pub text: &'static str,
    /// Whether values may have a prefix.
    pub prefixes: bool,
    /// A request without a modifier.
    pub example: &'static str,
    /// The modifiers that it takes, besides `:missing`.
    pub modifiers: &'static [Row],
}

/// Every kind of parameter.
pub const KINDS: &[Kind] = &[
    Kind {
        kind: SearchParamKind::Number,
        text: "A number: as precise as it is written, so `0.5` finds 0.45 to 0.55.",
        prefixes: true,
        example: "RiskAssessment?probability=gt0.8",
        modifiers: &[],
    },
    Kind {
        kind: SearchParamKind::Date,
        text: "A date or time, as precise as it is written: a year, a month, a day, a second. Without a \
               zone it is UTC. Periods are found by what they cover; timings by what lies between the first and the \
               last of their events and bounds.",
        prefixes: true,
        example: "Patient?birthdate=1980-05",
        modifiers: &[],
    },
    Kind {
        kind: SearchParamKind::String,
        text: "The beginning of a text; case and accents do not matter. Names and addresses are found by \
               each of their parts. `phonetic` is compared as any string is, by its letters.",
        prefixes: false,
        example: "Patient?family=ort",
        modifiers: &[
            row(":exact", "the whole text, as it is written", "Patient?family:exact=Ortiz"),
            row(":contains", "anywhere in the text", "Patient?family:contains=rti"),
        ],
    },
    Kind {
        kind: SearchParamKind::Token,
        text: "`code`, `system|code`, `system|` or `|code` (without a system).",
        prefixes: false,
        example: "Observation?code=http://loinc.org|85354-9",
        modifiers: &[
            row(":not", "none of the codes, or no code at all", "Patient?gender:not=male"),
            row(":text", "the text beside the code", "Condition?code:text=diabetes"),
            row(
                ":in",
                "a code of a value set, by its URL or `ValueSet/id`",
                "Patient?gender:in=http://hl7.org/fhir/ValueSet/administrative-gender",
            ),
            row(
                ":not-in",
                "no code of a value set",
                "Patient?gender:not-in=http://hl7.org/fhir/ValueSet/administrative-gender",
            ),
            row(
                ":below",
                "a code or those that it includes, in its system's hierarchy",
                "Patient?gender:below=http://hl7.org/fhir/administrative-gender|male",
            ),
            row(
                ":above",
                "a code or those that include it",
                "Patient?gender:above=http://hl7.org/fhir/administrative-gender|male",
            ),
            row(
                ":of-type",
                "an identifier of a type: `system|code|value`",
                "Patient?identifier:of-type=http://terminology.hl7.org/CodeSystem/v2-0203|MR|878900000000",
            ),
        ],
    },
    Kind {
        kind: SearchParamKind::Reference,
        text: "`id`, `Type/id`, a URL, `Type/id/_history/version`, or a canonical with `|version`. What is on \
               another server is found by the whole URL that refers to it.",
        prefixes: false,
        example: "Observation?subject=Patient/1",
        modifiers: &[
            row(
                ":Type",
                "`id` of this type, or a URL that names it",
                "Observation?subject:Patient=1",
            ),
            row(
                ":identifier",
                "the identifier beside the reference",
                "Observation?subject:identifier=http://hospital.example|12345",
            ),
            row(
                ":below",
                "a canonical's version and those below it: `1.2` and `1.2.3` of `url|1.2`",
                "QuestionnaireResponse?questionnaire:below=http://example.org/Questionnaire/pain|1.2",
            ),
            row(
                ":above",
                "a canonical's version and those above it: `1.2` and `1` of `url|1.2`",
                "QuestionnaireResponse?questionnaire:above=http://example.org/Questionnaire/pain|1.2",
            ),
        ],
    },
    Kind {
        kind: SearchParamKind::Composite,
        text: "Values that hold of one and the same element, joined by `$`.",
        prefixes: true,
        example: "Observation?component-code-value-quantity=8480-6$gt140",
        modifiers: &[],
    },
    Kind {
        kind: SearchParamKind::Quantity,
        text: "`number`, `number|system|code` or `number||code`. By UCUM codes other units of the same \
               dimension are found too, and an index finds them. Without a unit, or by a unit's printed name alone, a \
               quantity is looked for among what the other criteria find: name some, or a large type takes longer than \
               the time budget.",
        prefixes: true,
        example: "Observation?value-quantity=gt70000|http://unitsofmeasure.org|g",
        modifiers: &[],
    },
    Kind {
        kind: SearchParamKind::Uri,
        text: "The whole URI, case included. A canonical is found with and without its `|version`.",
        prefixes: false,
        example: "ValueSet?url=http://hl7.org/fhir/ValueSet/administrative-gender",
        modifiers: &[
            row(
                ":below",
                "what lies below, by slashes; with `|version`, by the dots of a canonical's version",
                "ValueSet?url:below=http://hl7.org/fhir",
            ),
            row(
                ":above",
                "what lies above",
                "ValueSet?url:above=http://hl7.org/fhir/ValueSet/administrative-gender/x",
            ),
        ],
    },
    Kind {
        kind: SearchParamKind::Special,
        text: "`near` of Location: `latitude|longitude|distance|unit`; 50 km where no distance is said.",
        prefixes: false,
        example: "Location?near=42.36|-71.39|10|km",
        modifiers: &[],
    },
];

/// The modifier that every parameter of an element takes.
pub const MISSING: Row = row(
    ":missing",
    "whether the element is absent: `true` or `false`",
    "Patient?death-date:missing=true",
);

/// Before numbers, dates and quantities.
pub const PREFIXES: &[Row] = &[
    row("eq", "within what is written; the default", "Patient?birthdate=eq1980"),
    row("ne", "not within it", "Patient?birthdate=ne1980"),
    row("gt", "some of it is above", "Patient?birthdate=gt1970-01-31"),
    row("ge", "above or within", "Patient?birthdate=ge1970-01-31"),
    row("lt", "some of it is below", "Patient?birthdate=lt1970-01-31"),
    row("le", "below or within", "Patient?birthdate=le1970-01-31"),
    row("sa", "all of it is after", "Encounter?date=sa2023-01-01"),
    row("eb", "all of it is before", "Encounter?date=eb2023-01-01"),
    row("ap", "near it", "Patient?birthdate=ap1980"),
];

/// Parameters of every type.
pub const COMMON: &[Row] = &[
    row("_id", "by id", "Patient?_id=1,2"),
    row("_lastUpdated", "by the time of the current version", "Patient?_lastUpdated=ge2020-01-01"),
    row("_tag", "by a tag", "Patient?_tag=http://example.org/tags|review"),
    row(
        "_profile",
        "by a profile",
        "Patient?_profile=http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient",
    ),
    row("_security", "by a security label", "Patient?_security=HTEST"),
    row("_source", "by where it came from", "Patient?_source=http://example.org/hl7"),
    row(
        "_text",
        "words of the narrative as it is read, without accents",
        "CarePlan?_text=hypertension",
    ),
    row("_content", "words of the content", "Observation?_content=tobacco"),
    row("_list", "the members of a List", "Patient?_list=ward-7"),
    row("_has", "what another resource refers to", "Patient?_has:Observation:patient:code=85354-9"),
    row(
        "_filter",
        "criteria joined by and, or, not",
        "Patient?_filter=gender eq female and birthdate ge 1970",
    ),
    row(
        "_type",
        "the types of a search of the whole system, or of a compartment's `*`; nowhere else",
        "?_type=Patient,Person&_lastUpdated=ge2020",
    ),
];

/// Ways to join criteria.
pub const JOINS: &[Row] = &[
    row("a=1&b=2", "both", "Patient?gender=female&birthdate=lt1970"),
    row("a=1,2", "one of them", "Observation?status=final,amended"),
    row("`\\,` `\\|` `\\$` `\\\\`", "these letters as such", "Patient?family=a\\,b"),
    row("a.b", "what the reference leads to", "Observation?patient.family=ortiz"),
    row(
        "a:Type.b",
        "the same, of one type",
        "Observation?subject:Patient.general-practitioner.name=weber",
    ),
    row("_has:Type:ref:b", "what refers here", "Patient?_has:Condition:patient:code=44054006"),
    row(
        "_has:T:r:_has:U:s:b",
        "and what refers to that",
        "Patient?_has:Encounter:patient:_has:Observation:encounter:code=85354-9",
    ),
];

/// What shapes the answer.
pub const RESULTS: &[Row] = &[
    row(
        "_sort",
        "by parameters, `-` from high to low; of several values the lowest counts, with `-` the highest; what has \
         no value comes last. Dates, strings and `_lastUpdated` are walked along an index; by other parameters all \
         matches are read and put in order first, codes and references by their first 200 characters",
        "Patient?_sort=family,-birthdate",
    ),
    row("_count", "matches on a page; 0 asks for the total only", "Patient?_count=5"),
    row(
        "_total",
        "`none`; `accurate`; `estimate`: exact where up to 2000 candidates are looked at, else from a sample of them",
        "Patient?_total=estimate",
    ),
    row(
        "_summary",
        "`true`, `text`, `data`, `count` or `false`, of included resources too; `text` not together with includes",
        "Patient?_summary=true",
    ),
    row(
        "_elements",
        "these elements of the matches, with `id`, `meta`, mandatory elements and those that modify the meaning",
        "Patient?_elements=name,gender",
    ),
    row(
        "_include",
        "what matches refer to, each once and as it is now, whichever version they name",
        "Observation?_include=Observation:subject&_count=2",
    ),
    row(
        "_revinclude",
        "what refers to matches",
        "Patient?_revinclude=Observation:subject&_count=2",
    ),
    row(
        "_include:iterate",
        "and from there on",
        "Observation?_include=Observation:encounter&_include:iterate=Encounter:service-provider&_count=2",
    ),
    row(
        "_explain",
        "`true`: how the search is answered, for the server's operator only",
        "Patient?family=ortiz&_explain=true",
    ),
];

/// Where a search may look.
pub const PLACES: &[Row] = &[
    row("GET [type]?…", "one type", "Patient?gender=female"),
    row("GET ?_type=…", "several types, or all", "?_type=Patient,Practitioner&_lastUpdated=ge2020"),
    row(
        "GET [compartment]/[id]/[type]?…",
        "what belongs to a patient, of one type",
        "Patient/1/Observation?code=85354-9",
    ),
    row("GET [compartment]/[id]/*", "all that belongs to a patient", "Patient/1/*"),
];
