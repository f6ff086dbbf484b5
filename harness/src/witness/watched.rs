//! Watched tables: what is read of a database and compared, and how it is brought back to what it
//! was.
//!
//! Values that a server counts (identities, `AUTO_INCREMENT`) go up also where work is undone, so equal
//! work leaves other numbers. They are compared by their rank, and so is what refers to them; all
//! other values as they are.

use std::collections::BTreeMap;

use super::{
    EMPTY, Error, Tables, Witness,
    catalogue::{self, Column},
};
use crate::{
    contract::{Row, TABLES, Value},
    database::Kind,
};

/// Goes between statements: on a line of its own, because those before may end with a comment.
const NEXT: &str = "\n;\n";

/// Tables that are compared, and how they are brought back to what they were.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watched {
    names: Vec<String>,
    /// The columns that are read, where the catalogue has said them.
    columns: Vec<Column>,
    read: String,
    empty: String,
    rows: String,
}

/// A name that no table and no column has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unknown {
    pub(crate) name: String,
    /// Every column that there is.
    pub(crate) there: Vec<String>,
}

impl Watched {
    /// The tables of the entities; the canaries are emptied with them, and not compared.
    #[must_use]
    pub fn entities() -> Self {
        let read =
            TABLES.map(|table| format!("SELECT '{table}', {table}.* FROM {table} ORDER BY 2"));
        let names = TABLES.map(str::to_owned).into();
        // One question for all tables, because each has its price.
        Self {
            names,
            columns: Vec::new(),
            read: read.join("; "),
            empty: EMPTY.to_owned(),
            rows: String::new(),
        }
    }

    /// Every table that there is, without what is `ignored` by the name of a table, or of a column
    /// as `table.column`. It is brought back by emptying all tables and running `rows`.
    pub(crate) fn catalogued(
        witness: &Witness,
        kind: Kind,
        rows: &str,
        ignored: &[String],
    ) -> Result<Result<Self, Unknown>, Error> {
        let there = catalogue::columns(witness.query_blocking(catalogue::question(kind))?)?;
        let full_name = |column: &Column| format!("{}.{}", column.table, column.name);
        for name in ignored {
            if !there.iter().any(|column| *name == column.table || *name == full_name(column)) {
                let there = there.iter().map(full_name).collect();
                return Ok(Err(Unknown { name: name.clone(), there }));
            }
        }
        let empty = empty(kind, &tables(&there));
        let watched = |column: &Column| !ignored.contains(&column.table);
        let there: Vec<Column> = there.into_iter().filter(watched).collect();
        let names = tables(&there).into_iter().map(|(name, _)| name.to_owned()).collect();
        let is_read = |column: &Column| !ignored.contains(&full_name(column));
        let read = read(&there, is_read);
        let columns = there.into_iter().filter(is_read).collect();
        Ok(Ok(Self { names, columns, read, empty, rows: rows.to_owned() }))
    }

    /// What reads the tables.
    pub(super) fn read(&self) -> String {
        self.read.clone()
    }

    /// What empties the tables.
    pub(crate) fn empty(&self) -> String {
        self.empty.clone()
    }

    /// What brings the tables back, and reads them.
    pub(super) fn bring_back(&self) -> String {
        let statements = [&*self.empty, &*self.rows, &*self.read];
        statements.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(NEXT)
    }

    /// Whether there is no table.
    pub(crate) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Sorts rows that begin with their table's name.
    pub(super) fn sort(&self, rows: Vec<Row>) -> Tables {
        let mut tables: Tables = self.names.iter().map(|name| (name.clone(), Vec::new())).collect();
        for mut row in rows {
            let name = row.remove(0);
            let rows = tables.iter_mut().find(|(table, _)| name == Value::from(table.as_str()));
            rows.expect("each row begins with its table's name").1.push(row);
        }
        // A server gives rows in no order, and has none for values of some types.
        tables.values_mut().for_each(|rows| rows.sort());
        tables
    }

    /// The tables with each value that the server has counted replaced by its rank, from one.
    pub(crate) fn ranked(&self, tables: &Tables) -> Tables {
        let mut counted: BTreeMap<(&str, &str), Vec<Value>> = BTreeMap::new();
        for (table, i, column) in self.placed().filter(|(_, _, column)| column.counted) {
            let values = tables.get(table).into_iter().flatten().map(|row| row[i].clone());
            let mut values: Vec<Value> = values.collect();
            values.sort();
            values.dedup();
            counted.insert((table, &column.name), values);
        }
        let mut ranked = tables.clone();
        for (table, i, column) in self.placed() {
            let Some(values) = self.origin(column).and_then(|origin| counted.get(&origin)) else {
                continue;
            };
            for row in ranked.get_mut(table).into_iter().flatten() {
                if let Ok(rank) = values.binary_search(&row[i]) {
                    row[i] = Value::Int(i64::try_from(rank).unwrap_or(i64::MAX) + 1);
                }
            }
        }
        ranked.values_mut().for_each(|rows| rows.sort());
        ranked
    }

    /// The columns whose values are not the same in both; a table of which no column says it.
    pub(crate) fn differing(&self, one: &Tables, other: &Tables) -> Vec<String> {
        let differing: Vec<&String> =
            self.names.iter().filter(|table| one.get(*table) != other.get(*table)).collect();
        let values = |tables: &Tables, table: &str, i: usize| {
            let rows = tables.get(table).into_iter().flatten();
            let mut values: Vec<Value> = rows.map(|row| row[i].clone()).collect();
            values.sort();
            values
        };
        let mut names: Vec<String> = Vec::new();
        for table in differing {
            let columns = self.placed().filter(|(of, i, _)| {
                of == table && values(one, table, *i) != values(other, table, *i)
            });
            let before = names.len();
            names.extend(columns.map(|(_, _, column)| format!("{table}.{}", column.name)));
            if names.len() == before {
                names.push(table.clone());
            }
        }
        names
    }

    /// The columns, with the table and the place in its rows.
    fn placed(&self) -> impl Iterator<Item = (&str, usize, &Column)> {
        self.columns.iter().enumerate().map(|(i, column)| {
            let before = self.columns.iter().take(i);
            (column.table.as_str(), before.filter(|c| c.table == column.table).count(), column)
        })
    }

    /// The column that counts the values of another: itself, or what it refers to.
    fn origin<'a>(&'a self, column: &'a Column) -> Option<(&'a str, &'a str)> {
        let mut column = column;
        // Each step leads to another column, or round in a ring.
        for _ in 0..=self.columns.len() {
            if column.counted {
                return Some((&column.table, &column.name));
            }
            let (table, name) = column.references.as_ref()?;
            column = self.columns.iter().find(|c| c.table == *table && c.name == *name)?;
        }
        None
    }
}

/// Appends statements to others.
pub(crate) fn append(text: &mut String, sql: &str) {
    // An empty statement is an error to some servers.
    let sql = sql.trim().trim_end_matches(';').trim_end();
    if !text.is_empty() && !sql.is_empty() {
        text.push_str(NEXT);
    }
    text.push_str(sql);
}

/// The tables of columns, by name and as SQL wants them quoted.
fn tables(columns: &[Column]) -> Vec<(&str, &str)> {
    let mut tables: Vec<(&str, &str)> =
        columns.iter().map(|column| (&*column.table, &*column.quoted_table)).collect();
    tables.dedup();
    tables
}

/// One question for all tables, because each has its price.
fn read(columns: &[Column], is_read: impl Fn(&Column) -> bool) -> String {
    let select = |(table, quoted): (&str, &str)| {
        let mut select = format!("SELECT '{}'", table.replace('\'', "''"));
        for column in columns.iter().filter(|column| column.table == table && is_read(column)) {
            select.push_str(", ");
            select.push_str(&column.quoted_name);
        }
        format!("{select} FROM {quoted}")
    };
    tables(columns).into_iter().map(select).collect::<Vec<_>>().join("; ")
}

/// Empties the tables, whatever refers to what, and lets counters begin anew.
fn empty(kind: Kind, tables: &[(&str, &str)]) -> String {
    let each = |statement: &str| -> String {
        tables.iter().map(|(_, quoted)| format!("{statement} {quoted};")).collect()
    };
    match kind {
        Kind::Postgres => {
            let quoted: Vec<&str> = tables.iter().map(|(_, quoted)| *quoted).collect();
            format!("TRUNCATE {} RESTART IDENTITY CASCADE", quoted.join(", "))
        }
        Kind::MySql | Kind::MariaDb => {
            let truncate = each("TRUNCATE TABLE");
            format!("SET foreign_key_checks = 0; {truncate} SET foreign_key_checks = 1")
        }
        Kind::Sqlite => {
            let delete = each("DELETE FROM");
            format!(
                "PRAGMA foreign_keys = OFF; BEGIN; {delete} DELETE FROM sqlite_sequence; COMMIT; \
                 PRAGMA foreign_keys = ON"
            )
        }
    }
}

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use super::*;
    use crate::database::{Database, Fresh};

    fn fresh(schema: &str) -> Fresh {
        let database = Database::from_env(Kind::Sqlite).expect("SQLite is always there");
        let fresh = database.fresh().expect("a file can be made");
        fresh.witness().drop_entities().expect("the tables are there");
        fresh.witness().query_blocking(schema).expect("the schema is well");
        fresh
    }

    fn watched(fresh: &Fresh, rows: &str, ignored: &[&str]) -> Watched {
        let ignored: Vec<String> = ignored.iter().map(|name| (*name).to_owned()).collect();
        let watched = Watched::catalogued(fresh.witness(), Kind::Sqlite, rows, &ignored);
        watched.expect("SQLite lists its tables").expect("the names are there")
    }

    fn bring_back(fresh: &Fresh, watched: &Watched) -> Tables {
        let brought_back = fresh.witness().bring_back(watched);
        tokio_test::block_on(brought_back).expect("the tables can be emptied")
    }

    #[test]
    fn tables_are_brought_back_whatever_refers_to_what() {
        let fresh = fresh(
            "CREATE TABLE \"a \"\"b\" (id INTEGER PRIMARY KEY AUTOINCREMENT, c REFERENCES z (id));
             CREATE TABLE z (id INTEGER PRIMARY KEY, a REFERENCES \"a \"\"b\" (id));",
        );
        let rows = "INSERT INTO z VALUES (1, NULL), (0, NULL);
                    INSERT INTO \"a \"\"b\" (c) VALUES (1) -- the first";
        let watched = watched(&fresh, rows, &[]);

        let first = bring_back(&fresh, &watched);
        fresh.witness().query_blocking("UPDATE z SET a = 1; DELETE FROM z WHERE id = 0").unwrap();
        let again = bring_back(&fresh, &watched);

        assert_eq!(first["a \"b"], [[1.into(), 1.into()]]);
        assert_eq!(first["z"], [[0.into(), Value::Null], [1.into(), Value::Null]]);
        assert_eq!(first, again);
    }

    #[test]
    fn tables_are_read_as_they_are_at_one_time() {
        let fresh = fresh("CREATE TABLE a (n INTEGER); CREATE TABLE b (n INTEGER)");
        let watched = watched(&fresh, "INSERT INTO a VALUES (0); INSERT INTO b VALUES (0)", &[]);
        bring_back(&fresh, &watched);
        let file = fresh.url().trim_start_matches("sqlite://").to_owned();
        let writer = std::thread::spawn(move || {
            let connection = rusqlite::Connection::open(file).expect("the file is there");
            for n in 1..10_000 {
                let both =
                    format!("BEGIN IMMEDIATE; UPDATE a SET n = {n}; UPDATE b SET n = {n}; COMMIT");
                connection.execute_batch(&both).expect("the file is not locked for long");
            }
        });

        while !writer.is_finished() {
            let read = tokio_test::block_on(fresh.witness().read(&watched)).unwrap();
            assert_eq!(read["a"], read["b"]);
        }
        writer.join().unwrap();
    }

    #[test]
    fn statements_may_end_with_a_comment() {
        let mut text = String::new();
        append(&mut text, "A; -- a\n");
        append(&mut text, "B;\n");

        assert_eq!(text, "A; -- a\n;\nB");
    }

    #[test]
    fn ignored_columns_and_tables_are_not_read() {
        let fresh = fresh("CREATE TABLE a (id, at, c); CREATE TABLE log (line)");
        let watched = watched(&fresh, "INSERT INTO a VALUES (1, 2, 3)", &["a.at", "log"]);

        assert_eq!(
            bring_back(&fresh, &watched),
            [("a".to_owned(), vec![vec![1.into(), 3.into()]])].into()
        );
    }

    #[test]
    fn unknown_name_lists_what_there_is() {
        let fresh = fresh("CREATE TABLE a (id, at)");
        let ignored = ["a.on".to_owned()];
        let unknown = Watched::catalogued(fresh.witness(), Kind::Sqlite, "", &ignored).unwrap();

        let there = vec!["a.id".to_owned(), "a.at".to_owned()];
        assert_eq!(unknown.unwrap_err(), Unknown { name: "a.on".to_owned(), there });
    }

    fn column(table: &str, name: &str, references: Option<(&str, &str)>) -> Column {
        let names = |(table, name): (&str, &str)| (table.to_owned(), name.to_owned());
        Column {
            table: table.to_owned(),
            name: name.to_owned(),
            quoted_table: table.to_owned(),
            quoted_name: name.to_owned(),
            counted: table == "member" && name == "id",
            references: references.map(names),
        }
    }

    /// Members with the ids, each with an audit row that refers to it.
    fn members(ids: [i64; 2]) -> Tables {
        let member = ids.map(|id| vec![Value::Int(id), "kim".into()]).to_vec();
        let audit = ids.map(|id| vec![Value::Int(id), "joined".into()]).to_vec();
        [("member".to_owned(), member), ("audit".to_owned(), audit)].into()
    }

    fn of_members() -> Watched {
        let columns = vec![
            column("audit", "member", Some(("member", "id"))),
            column("audit", "what", None),
            column("member", "id", None),
            column("member", "name", None),
        ];
        let names = vec!["audit".to_owned(), "member".to_owned()];
        Watched { names, columns, read: String::new(), empty: String::new(), rows: String::new() }
    }

    #[test]
    fn counted_values_are_compared_by_rank_also_where_they_are_referred_to() {
        let watched = of_members();

        assert_eq!(watched.ranked(&members([4, 9])), members([1, 2]));

        let mut crossed = members([4, 9]);
        crossed.get_mut("audit").unwrap()[0][0] = 9.into();
        assert_ne!(watched.ranked(&crossed), members([1, 2]), "it refers to the wrong member");
    }

    #[test]
    fn differing_columns_are_named() {
        let watched = of_members();
        let mut renamed = members([1, 2]);
        renamed.get_mut("member").unwrap()[1][1] = "lee".into();

        assert_eq!(watched.differing(&members([1, 2]), &renamed), ["member.name"]);
        assert_eq!(watched.differing(&renamed, &renamed), [""; 0]);
    }
}
