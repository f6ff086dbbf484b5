//! What a borrower is asked of its session, in the SQL of its database.

use crate::{contract::Statement, database::Kind};

/// Asks a session what it carries beyond a fresh one: isolation, the settings that change what
/// statements mean, temporary tables, user variables, the channels that it listens to.
///
/// Postgres has a view of every setting, which takes longer than all else that is asked after a cut.
/// MySQL shows a session no list of its temporary tables.
pub(super) fn state(kind: Kind) -> Statement {
    let sql = match kind {
        Kind::Postgres => {
            "SELECT current_setting('transaction_isolation'), \
             current_setting('transaction_read_only'), \
             current_setting('default_transaction_isolation'), \
             current_setting('search_path'), current_setting('role'), \
             current_setting('TimeZone'), current_setting('DateStyle'), \
             current_setting('statement_timeout'), current_setting('lock_timeout'), \
             current_setting('application_name'), \
             CASE WHEN pg_my_temp_schema() <> 0 THEN (SELECT string_agg(relname, ' ' \
             ORDER BY relname) FROM pg_class WHERE relnamespace = pg_my_temp_schema()) END, \
             (SELECT string_agg(channel, ' ' ORDER BY channel) \
             FROM pg_listening_channels() channel)"
        }
        Kind::MySql => {
            "SELECT CONCAT_WS('|', @@session.transaction_isolation, \
             @@session.transaction_read_only, @@session.autocommit, @@session.sql_mode, \
             @@session.time_zone, @@session.character_set_client, \
             @@session.collation_connection, @@session.foreign_key_checks, \
             @@session.unique_checks, @@session.sql_safe_updates, \
             @@session.innodb_lock_wait_timeout, @@session.max_execution_time, DATABASE()), \
             (SELECT GROUP_CONCAT(variable_name ORDER BY variable_name) \
             FROM performance_schema.user_variables_by_thread \
             WHERE thread_id = ps_current_thread_id())"
        }
        Kind::MariaDb => {
            "SELECT CONCAT_WS('|', @@session.tx_isolation, @@session.tx_read_only, \
             @@session.autocommit, @@session.sql_mode, @@session.time_zone, \
             @@session.character_set_client, @@session.collation_connection, \
             @@session.foreign_key_checks, @@session.unique_checks, \
             @@session.sql_safe_updates, @@session.innodb_lock_wait_timeout, \
             @@session.max_statement_time, DATABASE()), \
             (SELECT GROUP_CONCAT(variable_name ORDER BY variable_name) \
             FROM performance_schema.user_variables_by_thread JOIN performance_schema.threads \
             USING (thread_id) WHERE processlist_id = CONNECTION_ID())"
        }
        Kind::Sqlite => {
            "SELECT 'temporary ' || name FROM sqlite_temp_master WHERE type = 'table' \
             UNION ALL SELECT 'foreign keys ' || foreign_keys FROM pragma_foreign_keys ORDER BY 1"
        }
    };
    Statement::new(sql, [])
}
