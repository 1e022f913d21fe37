//! Master data of the simulated plant: suppliers, items, bills of material, opening stock.

use crate::amount::Amount;
use crate::dice::Dice;

/// The one plant of the scenario.
pub const PLANT: &str = "P100";

/// Who delivers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Supplier {
    pub number: String,
    pub name: String,
    pub city: &'static str,
    pub country: &'static str,
}

/// What is bought or made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub number: String,
    pub text: String,
    /// UN/CEFACT Recommendation 20.
    pub unit: &'static str,
    /// Index into the suppliers; `None` for what the plant makes itself.
    pub supplier: Option<usize>,
    pub price: Amount,
    /// Where the bulk of it lies, and where it is picked.
    pub bulk: String,
    pub pick: String,
    /// Component item and quantity for one piece; empty for what is bought.
    pub components: Vec<(String, Amount)>,
}

impl Item {
    #[must_use]
    pub fn is_made(&self) -> bool {
        !self.components.is_empty()
    }
}

/// On what terms a supplier delivers a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Which of the part's records: 1 is the usual supplier, 2 a fast and dear one.
    pub number: u32,
    pub price: Amount,
    pub days: u32,
    pub least: i64,
}

/// How much of an item lies where when the scenario begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stock {
    pub item: String,
    pub location: String,
    pub quantity: Amount,
}

/// The master data. `scene_items` are kept apart: the rhythm never touches them, so that the cycle count finds the book it
/// expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalogue {
    pub suppliers: Vec<Supplier>,
    pub items: Vec<Item>,
    pub scene_items: Vec<Item>,
    pub stock: Vec<Stock>,
}

const SUPPLIERS: [(&str, &str, &str); 12] = [
    ("Nordwerk Guss", "Kiel", "DE"),
    ("Alpenstahl", "Linz", "AT"),
    ("Vistula Bearings", "Krakow", "PL"),
    ("Brenta Motori", "Padova", "IT"),
    ("Skagerrak Kabel", "Kristiansand", "NO"),
    ("Rhône Plastiques", "Lyon", "FR"),
    ("Moldau Schrauben", "Plzen", "CZ"),
    ("Tajo Electrónica", "Toledo", "ES"),
    ("Humber Seals", "Hull", "GB"),
    ("Maas Coatings", "Venlo", "NL"),
    ("Danube Castings", "Gyor", "HU"),
    ("Öresund Sensors", "Malmö", "SE"),
];

const PARTS: [(&str, &str); 24] = [
    ("Housing, cast", "C62"),
    ("Shaft, ground", "C62"),
    ("Ball bearing 6204", "C62"),
    ("Shaft seal 20x35", "C62"),
    ("Rotor core", "C62"),
    ("Stator winding", "C62"),
    ("Hex screw M6x20", "C62"),
    ("Washer M6", "C62"),
    ("Cable 3x1.5", "MTR"),
    ("Copper wire 0.8", "KGM"),
    ("Impregnating resin", "KGM"),
    ("Terminal box", "C62"),
    ("Fan wheel", "C62"),
    ("Fan cover", "C62"),
    ("Feather key 6x6", "C62"),
    ("Rating plate", "C62"),
    ("Encoder", "C62"),
    ("Brake disc", "C62"),
    ("Gear wheel z24", "C62"),
    ("Gear wheel z61", "C62"),
    ("Gear oil", "LTR"),
    ("Flange B5", "C62"),
    ("Foot, left", "C62"),
    ("Foot, right", "C62"),
];

const PRODUCTS: [&str; 6] = [
    "Motor 0.75 kW",
    "Motor 1.5 kW",
    "Motor 3 kW",
    "Brake motor 1.5 kW",
    "Gear motor i=61",
    "Servo motor 2 Nm",
];

/// The items of the cycle count: bought part, and what is built from it.
const SCENES: [(&str, &str); 6] = [
    ("Planet carrier", "Planetary gear A"),
    ("Hollow shaft", "Planetary gear B"),
    ("Torque arm", "Shaft gear"),
    ("Spline hub", "Coupling"),
    ("Encoder disc", "Resolver"),
    ("Magnet ring", "Torque motor"),
];

impl Catalogue {
    /// The master data of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut dice = Dice::for_name(seed, "catalogue");
        let suppliers = suppliers();
        let mut items: Vec<Item> = PARTS
            .iter()
            .enumerate()
            .map(|(n, (text, unit))| part(&mut dice, 1001 + n, text, unit, n % SUPPLIERS.len()))
            .collect();
        let parts: Vec<Item> = items.clone();
        for (n, text) in PRODUCTS.iter().enumerate() {
            let first = dice.between(0, 6);
            let components = (0..4)
                .filter_map(|k| {
                    let index = usize::try_from(first + k * 5).ok()? % parts.len();
                    let part = parts.get(index)?;
                    let each = if part.unit == "C62" {
                        Amount::whole(1 + i64::from(k == 2))
                    } else {
                        Amount::thousandths(250)
                    };
                    Some((part.number.clone(), each))
                })
                .collect();
            items.push(product(2001 + n, text, components));
        }
        let scene_items = SCENES
            .iter()
            .enumerate()
            .flat_map(|(n, (bought, made))| {
                let bought = part(&mut dice, 9001 + n, bought, "C62", n);
                let made = product(9501 + n, made, vec![(bought.number.clone(), Amount::whole(1))]);
                [bought, made]
            })
            .collect::<Vec<_>>();
        let stock = opening_stock(&items, &scene_items);
        Self { suppliers, items, scene_items, stock }
    }

    /// Every item, those of the scenes too.
    pub fn all_items(&self) -> impl Iterator<Item = &Item> {
        self.items.iter().chain(&self.scene_items)
    }

    /// Who delivers each bought part on what terms: its usual supplier, and the next one, faster and dearer.
    pub fn terms(&self) -> impl Iterator<Item = (&Item, &Supplier, Terms)> {
        self.all_items().flat_map(move |item| {
            let usual = item.supplier.map(|supplier| (supplier, 1, 10, 100));
            let fast = item.supplier.map(|supplier| (supplier + 1, 2, 2, 10));
            usual.into_iter().chain(fast).filter_map(move |(supplier, number, days, least)| {
                let price = if number == 1 { item.price } else { item.price + item.price };
                let supplier = self.suppliers.get(supplier % self.suppliers.len().max(1))?;
                Some((item, supplier, Terms { number, price, days, least }))
            })
        })
    }

    /// The item of a number.
    #[must_use]
    pub fn item(&self, number: &str) -> Option<&Item> {
        self.all_items().find(|item| item.number == number)
    }
}

fn suppliers() -> Vec<Supplier> {
    SUPPLIERS
        .iter()
        .enumerate()
        .map(|(n, (name, city, country))| Supplier {
            number: (1_000_011 + n).to_string(),
            name: (*name).to_owned(),
            city,
            country,
        })
        .collect()
}

fn part(dice: &mut Dice, number: usize, text: &str, unit: &'static str, supplier: usize) -> Item {
    let cents = i64::try_from(dice.between(35, 18_000)).unwrap_or(100);
    Item {
        number: format!("RM-{number}"),
        text: text.to_owned(),
        unit,
        supplier: Some(supplier),
        price: Amount::thousandths(cents * 10),
        bulk: format!("B-{:02}-{:02}", number % 7 + 1, number % 24 + 1),
        pick: format!("K-{:02}-{:02}", number % 5 + 1, number % 24 + 1),
        components: Vec::new(),
    }
}

fn product(number: usize, text: &str, components: Vec<(String, Amount)>) -> Item {
    Item {
        number: format!("FG-{number}"),
        text: text.to_owned(),
        unit: "C62",
        supplier: None,
        price: Amount::ZERO,
        bulk: format!("F-01-{:02}", number % 12 + 1),
        pick: format!("V-01-{:02}", number % 12 + 1),
        components,
    }
}

/// Plenty of everything the rhythm uses, so that only a scene runs short.
fn opening_stock(items: &[Item], scene_items: &[Item]) -> Vec<Stock> {
    let at = |item: &Item, location: &str, quantity| Stock {
        item: item.number.clone(),
        location: location.to_owned(),
        quantity: Amount::whole(quantity),
    };
    let mut stock = Vec::new();
    for item in items.iter().filter(|item| !item.is_made()) {
        stock.push(at(item, &item.bulk, 500_000));
        stock.push(at(item, &item.pick, 500_000));
    }
    for item in items.iter().filter(|item| item.is_made()) {
        stock.push(at(item, &item.bulk, 50));
    }
    for item in scene_items.iter().filter(|item| !item.is_made()) {
        stock.push(at(item, &item.pick, 100));
    }
    stock
}
