//! Names of tables, columns and procedures: plain words, quoted as the database asks.

/// Which SQL is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Postgres,
    Mysql,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Column(String);

/// A table, view or procedure, with its schema when it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) schema: Option<String>,
    pub(crate) name: String,
}

/// Identifiers of PostgreSQL have 63 bytes, those of MySQL 64 characters.
const MOST_BYTES: usize = 63;

fn is_word(text: &str) -> bool {
    (1..=MOST_BYTES).contains(&text.len())
        && !text.starts_with(|first: char| first.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$'))
}

impl Column {
    /// A column's name: letters, digits, `_` and `$`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        is_word(text).then(|| Self(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn quoted(&self, dialect: Dialect) -> String {
        dialect.quote(&self.0)
    }
}

impl Name {
    /// `table` or `schema.table`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (schema, name) = match text.split_once('.') {
            Some((schema, name)) => (Some(schema), name),
            None => (None, text),
        };
        let good = is_word(name) && schema.is_none_or(is_word);
        good.then(|| Self { schema: schema.map(str::to_owned), name: name.to_owned() })
    }

    pub(crate) fn quoted(&self, dialect: Dialect) -> String {
        let name = dialect.quote(&self.name);
        self.schema
            .as_ref()
            .map_or_else(|| name.clone(), |schema| format!("{}.{name}", dialect.quote(schema)))
    }

    /// As it was written.
    pub(crate) fn shown(&self) -> String {
        self.schema.as_ref().map_or_else(|| self.name.clone(), |schema| format!("{schema}.{}", self.name))
    }
}

impl Dialect {
    fn quote(self, word: &str) -> String {
        match self {
            Self::Postgres => format!("\"{word}\""),
            Self::Mysql => format!("`{word}`"),
        }
    }

    /// The place of the bound value with this number, from 1.
    pub(crate) fn bound(self, number: usize) -> String {
        match self {
            Self::Postgres => format!("${number}"),
            Self::Mysql => "?".to_owned(),
        }
    }
}

/// A statement with its bound values, put together piece by piece.
#[derive(Debug)]
pub(crate) struct Statement {
    pub(crate) sql: String,
    pub(crate) values: Vec<Option<String>>,
    dialect: Dialect,
}

impl Statement {
    pub(crate) fn new(dialect: Dialect) -> Self {
        Self { sql: String::new(), values: Vec::new(), dialect }
    }

    /// Appends SQL of our own.
    pub(crate) fn push(&mut self, sql: &str) -> &mut Self {
        self.sql.push_str(sql);
        self
    }

    /// Appends the place of a value and binds it.
    pub(crate) fn bind(&mut self, value: Option<&str>) -> &mut Self {
        self.values.push(value.map(str::to_owned));
        let place = self.dialect.bound(self.values.len());
        self.push(&place)
    }

    /// The same, read by the database as a type of its own.
    pub(crate) fn bind_as(&mut self, value: &str, cast: Option<&str>) -> &mut Self {
        match cast {
            None => self.bind(Some(value)),
            Some(cast) => self.push("CAST(").bind(Some(value)).push(" AS ").push(cast).push(")"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_words_are_names() {
        let name = Name::parse("erp.Orders").unwrap();
        assert_eq!(
            (name.quoted(Dialect::Postgres), name.quoted(Dialect::Mysql)),
            ("\"erp\".\"Orders\"".to_owned(), "`erp`.`Orders`".to_owned())
        );
        for bad in
            ["", "a b", "a\"", "a`b", "a;drop", "a.b.c", ".a", "a.", "1a", "a-b", "ä", "a'", &"x".repeat(64)]
        {
            assert!(Name::parse(bad).is_none(), "{bad}");
            assert!(Column::parse(bad).is_none(), "{bad}");
        }
        assert!(Column::parse("a.b").is_none());
    }
}
