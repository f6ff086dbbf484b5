//! The catalogue: which tables and columns a schema has made, as the database itself lists them.
//!
//! Asked are the tables that hold rows: no views, no partitions beside their parent, nothing of the
//! system or of an extension. The order is that of names, then of columns.

use super::Error;
use crate::{
    contract::{Row, Value},
    database::Kind,
};

/// A column, with the names as SQL wants them quoted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) table: String,
    pub(super) name: String,
    pub(super) quoted_table: String,
    pub(super) quoted_name: String,
    /// Whether the server makes its values out of a counter that goes up also where work is undone.
    pub(super) counted: bool,
    /// The table and the column that it refers to.
    pub(super) references: Option<(String, String)>,
}

/// A sequence counts also for what is rolled back, and it may be a column's by identity or by default:
/// <https://www.postgresql.org/docs/18/functions-sequence.html>.
const POSTGRES: &str = "
    SELECT CASE s.nspname WHEN 'public' THEN t.relname ELSE s.nspname || '.' || t.relname END AS name,
           a.attname, format('%I.%I', s.nspname, t.relname), quote_ident(a.attname),
           a.attidentity <> '' OR COALESCE(pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%', FALSE),
           CASE rs.nspname WHEN 'public' THEN r.relname ELSE rs.nspname || '.' || r.relname END,
           ra.attname
    FROM pg_class t
    JOIN pg_namespace s ON s.oid = t.relnamespace
    JOIN pg_attribute a ON a.attrelid = t.oid AND 0 < a.attnum AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = t.oid AND d.adnum = a.attnum
    LEFT JOIN pg_constraint k
        ON k.conrelid = t.oid AND k.contype = 'f' AND k.conkey = ARRAY[a.attnum]
    LEFT JOIN pg_class r ON r.oid = k.confrelid
    LEFT JOIN pg_namespace rs ON rs.oid = r.relnamespace
    LEFT JOIN pg_attribute ra ON ra.attrelid = r.oid AND ra.attnum = k.confkey[1]
    WHERE t.relkind IN ('r', 'p') AND NOT t.relispartition
      AND s.nspname <> 'information_schema' AND s.nspname NOT LIKE 'pg\\_%'
      AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.objid = t.oid AND e.deptype = 'e')
    ORDER BY name, a.attnum, k.oid";

/// InnoDB counts also for what is rolled back:
/// <https://dev.mysql.com/doc/refman/9.7/en/innodb-auto-increment-handling.html>.
const MYSQL: &str = "
    SELECT c.table_name, c.column_name, CONCAT('`', REPLACE(c.table_name, '`', '``'), '`'),
           CONCAT('`', REPLACE(c.column_name, '`', '``'), '`'),
           c.extra LIKE '%auto_increment%', k.referenced_table_name, k.referenced_column_name
    FROM information_schema.columns c
    JOIN information_schema.tables t
        ON t.table_schema = c.table_schema AND t.table_name = c.table_name
    LEFT JOIN information_schema.key_column_usage k
        ON k.table_schema = c.table_schema AND k.table_name = c.table_name
        AND k.column_name = c.column_name AND k.referenced_table_name IS NOT NULL
    WHERE c.table_schema = DATABASE() AND t.table_type = 'BASE TABLE'
    ORDER BY c.table_name, c.ordinal_position, k.constraint_name";

/// SQLite undoes its counters with the work: <https://www.sqlite.org/autoinc.html>.
const SQLITE: &str = "
    SELECT t.name, c.name, '\"' || replace(t.name, '\"', '\"\"') || '\"',
           '\"' || replace(c.name, '\"', '\"\"') || '\"', 0, NULL, NULL
    FROM pragma_table_list t JOIN pragma_table_info(t.name) c
    WHERE t.schema = 'main' AND t.type = 'table' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
    ORDER BY t.name, c.cid";

/// The question that lists the columns.
pub(super) fn question(kind: Kind) -> &'static str {
    match kind {
        Kind::Postgres => POSTGRES,
        Kind::MySql | Kind::MariaDb => MYSQL,
        Kind::Sqlite => SQLITE,
    }
}

/// Reads the answer. A column that refers to several is listed once, with the first.
pub(super) fn columns(rows: Vec<Row>) -> Result<Vec<Column>, Error> {
    let mut columns: Vec<Column> = Vec::new();
    for row in rows {
        let column = column(&row)
            .ok_or_else(|| Error::Protocol { what: format!("{row:?} as a column of a table") })?;
        let is_listed = |last: &Column| last.table == column.table && last.name == column.name;
        if !columns.last().is_some_and(is_listed) {
            columns.push(column);
        }
    }
    Ok(columns)
}

fn column(row: &Row) -> Option<Column> {
    let [
        Value::Text(table),
        Value::Text(name),
        Value::Text(quoted_table),
        Value::Text(quoted_name),
        Value::Int(counted),
        referenced_table,
        referenced_column,
    ] = row.as_slice()
    else {
        return None;
    };
    let references = match (referenced_table, referenced_column) {
        (Value::Text(table), Value::Text(column)) => Some((table.clone(), column.clone())),
        _ => None,
    };
    Some(Column {
        table: table.clone(),
        name: name.clone(),
        quoted_table: quoted_table.clone(),
        quoted_name: quoted_name.clone(),
        counted: *counted != 0,
        references,
    })
}
