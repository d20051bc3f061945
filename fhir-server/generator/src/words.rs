//! Word lists: names by heritage, streets and towns. The towns are invented, the names common.

/// People who share names, and what the census asks about them.
#[derive(Debug)]
pub(crate) struct Heritage {
    /// Share of the population, in thousandths.
    pub(crate) weight: u32,
    /// OMB race category, and its words.
    pub(crate) race: (&'static str, &'static str),
    pub(crate) hispanic: bool,
    pub(crate) families: &'static [&'static str],
    pub(crate) women: &'static [&'static str],
    pub(crate) men: &'static [&'static str],
    /// A language other than English that some households speak.
    pub(crate) language: Option<(&'static str, &'static str)>,
}

const WHITE: (&str, &str) = ("2106-3", "White");
const BLACK: (&str, &str) = ("2054-5", "Black or African American");
const ASIAN: (&str, &str) = ("2028-9", "Asian");
const NATIVE: (&str, &str) = ("1002-5", "American Indian or Alaska Native");
const PACIFIC: (&str, &str) = ("2076-8", "Native Hawaiian or Other Pacific Islander");

#[rustfmt::skip]
const FAMILIES: &[&str] = &[
    "Abbott", "Adler", "Baker", "Barnes", "Bauer", "Becker", "Bell", "Bennett", "Brooks", "Byrne",
    "Callahan", "Carter", "Clarke", "Cole", "Cooper", "Dalton", "Dawson", "Doyle", "Ellis", "Evans",
    "Fischer", "Fleming", "Foster", "Gallagher", "Graham", "Hansen", "Harper", "Hayes", "Hughes",
    "Jensen", "Keller", "Kelly", "Kowalski", "Larsen", "Lindgren", "Marino", "Mason", "McCarthy",
    "Mercer", "Miller", "Morrison", "Nolan", "Novak", "O'Brien", "O'Connor", "Olsen", "Parker",
    "Pearson", "Quinn", "Reed", "Romano", "Rossi", "Schmidt", "Sherman", "Smith-Jones", "Sullivan",
    "Taylor", "Turner", "Wagner", "Walsh", "Weber", "Whitaker", "Wright", "Young",
];
#[rustfmt::skip]
const FAMILIES_BLACK: &[&str] = &[
    "Banks", "Booker", "Brown", "Coleman", "Davis", "Dixon", "Freeman", "Gaines", "Grant", "Harris",
    "Jackson", "Jefferson", "Johnson", "Jones", "Joseph", "Mosley", "Okafor", "Robinson", "Simmons",
    "Singleton", "Tucker", "Washington", "Williams", "Wilson",
];
#[rustfmt::skip]
const FAMILIES_HISPANIC: &[&str] = &[
    "Acosta", "Aguilar", "Álvarez", "Castillo", "Cruz", "de la Cruz", "Delgado", "Díaz", "Flores",
    "García", "Gómez", "Guzmán", "Hernández", "Herrera", "Jiménez", "López", "Márquez", "Martínez",
    "Mendoza", "Morales", "Muñoz", "Núñez", "Ortiz", "Peña", "Ramírez", "Reyes", "Ríos",
    "Rodríguez", "Sánchez", "Torres", "Vargas", "Vega",
];
#[rustfmt::skip]
const FAMILIES_ASIAN: &[&str] = &[
    "Bui", "Chan", "Chen", "Choi", "Das", "Desai", "Gupta", "Huang", "Ito", "Kapoor", "Khan", "Kim",
    "Lee", "Lin", "Liu", "Nakamura", "Nguyễn", "Park", "Patel", "Phạm", "Rao", "Santos", "Sato",
    "Shah", "Singh", "Tan", "Tanaka", "Trần", "Wang", "Wu", "Yamada", "Zhang",
];
#[rustfmt::skip]
const FAMILIES_NATIVE: &[&str] = &[
    "Begay", "Benally", "Bird", "Eagle", "Locklear", "Redwing", "Tsosie", "Walker", "Whitehorse",
    "Yazzie",
];
const FAMILIES_PACIFIC: &[&str] =
    &["Akana", "Faleolo", "Kahale", "Kealoha", "Leilua", "Mahoe", "Tafuna", "Vaifale"];

#[rustfmt::skip]
const WOMEN: &[&str] = &[
    "Abigail", "Alice", "Amelia", "Anna", "Audrey", "Beatrice", "Bridget", "Carol", "Charlotte",
    "Chloë", "Claire", "Diane", "Eleanor", "Elizabeth", "Emily", "Emma", "Evelyn", "Fiona", "Grace",
    "Hannah", "Hazel", "Helen", "Isabel", "Jane", "Joan", "Judith", "Julia", "Karen", "Kate",
    "Laura", "Leah", "Linda", "Lucy", "Margaret", "Martha", "Mary", "Megan", "Nora", "Olivia",
    "Patricia", "Rachel", "Rebecca", "Renée", "Rose", "Ruth", "Sarah", "Sophie", "Susan", "Teresa",
    "Victoria", "Violet", "Zoe",
];
#[rustfmt::skip]
const MEN: &[&str] = &[
    "Adam", "Albert", "Andrew", "Arthur", "Benjamin", "Brian", "Caleb", "Charles", "Christopher",
    "Daniel", "David", "Dennis", "Edward", "Eric", "Ethan", "Francis", "Frank", "George", "Gerald",
    "Harold", "Henry", "Hugh", "Isaac", "Jack", "Jacob", "James", "Jason", "John", "Joseph",
    "Joshua", "Kevin", "Leo", "Lucas", "Mark", "Martin", "Matthew", "Michael", "Nathan", "Oliver",
    "Owen", "Patrick", "Paul", "Peter", "Philip", "Raymond", "Robert", "Samuel", "Simon", "Stephen",
    "Theodore", "Thomas", "Walter", "William",
];
#[rustfmt::skip]
const WOMEN_BLACK: &[&str] = &[
    "Aaliyah", "Angela", "Denise", "Ebony", "Faith", "Gloria", "Imani", "Jada", "Jasmine", "Keisha",
    "Maya", "Monique", "Naomi", "Nia", "Simone", "Tiana", "Vanessa", "Yvonne", "Zora",
];
#[rustfmt::skip]
const MEN_BLACK: &[&str] = &[
    "Andre", "Calvin", "Clarence", "Darnell", "Elijah", "Isaiah", "Jalen", "Jerome", "Kwame",
    "Langston", "Malcolm", "Malik", "Marcus", "Maurice", "Reginald", "Terrence", "Tyrone", "Xavier",
];
#[rustfmt::skip]
const WOMEN_HISPANIC: &[&str] = &[
    "Adriana", "Alejandra", "Ana María", "Camila", "Carmen", "Dolores", "Elena", "Esperanza",
    "Gabriela", "Guadalupe", "Inés", "Isabella", "Lucía", "Luz", "Marisol", "Paloma", "Pilar",
    "Rosa", "Sofía", "Valentina", "Ximena",
];
#[rustfmt::skip]
const MEN_HISPANIC: &[&str] = &[
    "Alejandro", "Andrés", "Antonio", "Carlos", "César", "Diego", "Eduardo", "Emilio", "Felipe",
    "Fernando", "Héctor", "Javier", "Jesús", "José", "Juan Carlos", "Luis", "Manuel", "Mateo",
    "Miguel", "Rafael", "Ramón", "Ricardo", "Santiago",
];
#[rustfmt::skip]
const WOMEN_ASIAN: &[&str] = &[
    "Aiko", "Anjali", "Grace", "Hana", "Hui", "Jia", "Ji-woo", "Kavita", "Lan", "Linh", "Mei",
    "Michelle", "Min", "Priya", "Sakura", "Seo-yeon", "Sunita", "Thuy", "Xin", "Yuki",
];
#[rustfmt::skip]
const MEN_ASIAN: &[&str] = &[
    "Amit", "Arjun", "Daniel", "Dũng", "Haruto", "Hiroshi", "Jian", "Jun", "Kenji", "Kevin", "Minh",
    "Min-jun", "Quang", "Rajesh", "Ravi", "Sanjay", "Tuan", "Vikram", "Wei", "Yang",
];

/// Roughly the United States.
#[rustfmt::skip]
pub(crate) static HERITAGES: [Heritage; 7] = [
    Heritage { weight: 600, race: WHITE, hispanic: false, families: FAMILIES, women: WOMEN, men: MEN, language: None },
    Heritage { weight: 125, race: BLACK, hispanic: false, families: FAMILIES_BLACK, women: WOMEN_BLACK, men: MEN_BLACK, language: None },
    Heritage { weight: 160, race: WHITE, hispanic: true, families: FAMILIES_HISPANIC, women: WOMEN_HISPANIC, men: MEN_HISPANIC, language: Some(("es", "Spanish")) },
    Heritage { weight: 25, race: BLACK, hispanic: true, families: FAMILIES_HISPANIC, women: WOMEN_HISPANIC, men: MEN_HISPANIC, language: Some(("es", "Spanish")) },
    Heritage { weight: 65, race: ASIAN, hispanic: false, families: FAMILIES_ASIAN, women: WOMEN_ASIAN, men: MEN_ASIAN, language: Some(("zh", "Chinese")) },
    Heritage { weight: 18, race: NATIVE, hispanic: false, families: FAMILIES_NATIVE, women: WOMEN, men: MEN, language: None },
    Heritage { weight: 7, race: PACIFIC, hispanic: false, families: FAMILIES_PACIFIC, women: WOMEN, men: MEN, language: None },
];

#[rustfmt::skip]
pub(crate) static STREETS: [&str; 40] = [
    "Alder Street", "Ash Lane", "Beacon Road", "Birch Avenue", "Bridge Street", "Brook Road",
    "Cedar Street", "Chapel Street", "Chestnut Avenue", "Clay Street", "Cliff Road", "Coral Way",
    "Dogwood Lane", "Elm Street", "Fern Court", "Foundry Street", "Garden Street", "Granite Road",
    "Harbor View", "Hawthorn Lane", "Hill Street", "Ivy Court", "Juniper Way", "Lake Road",
    "Lantern Lane", "Linden Avenue", "Maple Street", "Market Street", "Meadow Lane", "Mill Road",
    "Oak Street", "Orchard Road", "Pine Street", "Quarry Road", "River Street", "School Street",
    "Spring Street", "Sycamore Drive", "Willow Lane", "Wharf Street",
];

/// A town, with where it lies.
#[derive(Debug)]
pub(crate) struct Town {
    pub(crate) name: &'static str,
    pub(crate) state: &'static str,
    /// The first three digits of its postal codes.
    pub(crate) postal: &'static str,
    pub(crate) area_code: &'static str,
    /// Hundredths of a degree.
    pub(crate) latitude: i64,
    pub(crate) longitude: i64,
}

const fn town(
    name: &'static str,
    state: &'static str,
    postal: &'static str,
    area_code: &'static str,
    latitude: i64,
    longitude: i64,
) -> Town {
    Town { name, state, postal, area_code, latitude, longitude }
}

pub(crate) static TOWNS: [Town; 16] = [
    town("Alderbrook", "MA", "010", "413", 4231, -7254),
    town("Bellwater", "MA", "015", "508", 4222, -7182),
    town("Candlewick", "MA", "017", "508", 4234, -7141),
    town("Dunmoor", "MA", "018", "978", 4265, -7131),
    town("Eastmere", "MA", "019", "978", 4258, -7088),
    town("Fairhollow", "MA", "020", "781", 4212, -7102),
    town("Greywell", "NH", "031", "603", 4292, -7145),
    town("Harrowgate", "NH", "033", "603", 4321, -7154),
    town("Ironbridge", "ME", "040", "207", 4361, -7033),
    town("Juniper Bay", "ME", "041", "207", 4372, -7022),
    town("Kestrel Falls", "VT", "054", "802", 4448, -7312),
    town("Larkhaven", "VT", "057", "802", 4361, -7297),
    town("Millrace", "CT", "060", "860", 4178, -7271),
    town("Northwick", "CT", "064", "203", 4141, -7288),
    town("Oakenford", "RI", "028", "401", 4181, -7143),
    town("Port Ellis", "RI", "029", "401", 4152, -7131),
];
