//! `contracts/*.yaml`: what an event's or a document's data must look like.

use std::collections::BTreeMap;
use std::sync::Arc;

use lineshaft_mapping::{Contract, Schemas};
use lineshaft_model::event_type::{EventType, is_word};

use super::decode::decode;
use super::load::Loading;
use super::marked::{Mark, Node};
use super::parts::ContractSpec;
use super::problem::Problem;

/// A contract of the workspace.
#[derive(Debug)]
pub struct ContractFile {
    /// What its file says.
    pub spec: ContractSpec,
    /// Compiled; `None` when its schema is faulty, which is then a problem.
    pub compiled: Option<Arc<Contract>>,
    /// The file.
    pub file: String,
    /// Where its name stands.
    pub mark: Mark,
    /// The file's tree, for the places of what else is found.
    tree: Node,
}

impl ContractFile {
    /// Where the schema describes a field, or whatever around it the schema does describe. `*` stands for every element.
    #[must_use]
    pub fn place_of(&self, field: &[String]) -> Mark {
        let mut pointer = String::from("/schema");
        for name in field {
            if name == "*" {
                pointer.push_str("/items");
            } else {
                pointer.push_str("/properties");
                lineshaft_model::json::push_token(&mut pointer, name);
            }
        }
        self.tree.place(&pointer)
    }
}

/// The schemas of a workspace by file name, as contracts refer to them.
#[must_use]
pub fn schemas_of(contracts: &BTreeMap<String, ContractFile>) -> Schemas {
    let named = contracts.values().map(|contract| (file_name(&contract.file), contract.spec.schema.clone()));
    named.map(|(name, schema)| (name.to_owned(), schema)).collect()
}

/// A file as other contracts refer to it.
#[must_use]
pub fn file_name(file: &str) -> &str {
    file.strip_prefix("contracts/").unwrap_or(file)
}

/// Every contract by its name.
pub(super) fn read(loading: &mut Loading<'_>) -> BTreeMap<String, ContractFile> {
    let files: Vec<String> = loading.files.of("contracts").map(|(_, file, _)| file.to_owned()).collect();
    let trees: Vec<(String, Node)> =
        files.into_iter().filter_map(|file| loading.tree(&file).map(|tree| (file, tree))).collect();
    let schemas = schemas(&trees);
    let mut contracts: BTreeMap<String, ContractFile> = BTreeMap::new();
    for (file, tree) in trees {
        let Some(spec) = decode::<ContractSpec>(&tree, &file, &mut loading.problems) else { continue };
        let mark = tree.place("/contract");
        check(loading, &file, &tree, &spec);
        if let Some(first) = contracts.get(&spec.contract) {
            let message = format!("the contract `{}` stands in {} already", spec.contract, first.file);
            loading.error(
                &file,
                mark,
                "duplicate-name",
                message,
                "give it another name, or remove one of the two",
            );
            continue;
        }
        let version = spec.version.as_deref().unwrap_or("1");
        let compiled = match Contract::compile(&spec.contract, version, &spec.schema, &schemas) {
            Ok(contract) => Some(Arc::new(contract)),
            Err(faults) => {
                loading.problems.extend(faults.into_iter().map(|fault| {
                    let place = place_in_schema(&tree, &fault.message);
                    Problem::error(&file, place, fault.code, fault.message).hint(fault.hint)
                }));
                None
            }
        };
        contracts.insert(spec.contract.clone(), ContractFile { spec, compiled, file, mark, tree });
    }
    contracts
}

/// The schemas that others may refer to with `$ref`, by file name.
fn schemas(trees: &[(String, Node)]) -> Schemas {
    let named = trees
        .iter()
        .filter_map(|(file, tree)| Some((file_name(file).to_owned(), tree.get("schema")?.to_json())));
    named.collect()
}

/// The compiler of schemas says where only in its message: ` at /pointer: `.
fn place_in_schema(tree: &Node, message: &str) -> Mark {
    let pointer = message.split_once(" at /").and_then(|(_, rest)| Some(rest.split_once(": ")?.0));
    match pointer {
        Some(pointer) => tree.place(&format!("/schema/{pointer}")),
        None => tree.key_place("/schema"),
    }
}

fn check(loading: &mut Loading<'_>, file: &str, tree: &Node, spec: &ContractSpec) {
    let mark = tree.place("/contract");
    if !is_word(&spec.contract)
        && let Err(reason) = EventType::parse(&spec.contract)
    {
        let hint = "name it after an event type, for instance lineshaft.goods.received.v1, or with a lower-case word";
        loading.error(
            file,
            mark,
            "name-malformed",
            format!("`{}` is no name of a contract: {}", spec.contract, reason.message),
            hint,
        );
    }
    if let Some(sunset) = &spec.sunset
        && sunset.parse::<jiff::civil::Date>().is_err()
    {
        let message = format!("`{}` is not a date", super::spelling::clip(sunset));
        loading.error(
            file,
            tree.place("/sunset"),
            "date-malformed",
            message,
            "write year, month and day, for instance 2027-06-30",
        );
    }
}
