//! The faults in what is done with users, tasks and dones, and with many rows at once.

use dropproof::contract::{Answer, Dialect, Op, Result, Statement, Statements, Task, Value};

use super::{Fault, statements::FaultyStatements};

impl<S: Statements> FaultyStatements<'_, S> {
    /// Performs an operation as the fault does it.
    pub(super) async fn perform(&mut self, op: &Op) -> Result<Answer> {
        let op = &self.memory.changed(op);
        match (self.memory.fault, op) {
            (Fault::StaleRead, Op::Task(_) | Op::Tasks) => self.remembered(op).await,
            (Fault::UpdatesEveryRow, Op::UpdateUser { change, .. }) => {
                let name = change.full_name.clone().flatten();
                let sql = "UPDATE users SET full_name = ?";
                self.change_all(Statement::new(sql, [name.as_deref().into()])).await
            }
            (Fault::DeletesEveryRow, Op::DeleteTask(_)) => {
                self.change_all(Statement::new("DELETE FROM tasks", [])).await
            }
            (Fault::InnerJoin, Op::Tasks) => self.inner_join().await,
            (Fault::OneQueryPerRow, Op::Tasks) => self.one_by_one().await,
            (Fault::BulkLosesLast | Fault::BulkIsSplit, Op::Change(statement)) => {
                self.bulk(statement).await
            }
            _ => {
                let result = self.inner.run(op).await;
                self.afterwards(op, result).await
            }
        }
    }

    /// What becomes of an answer.
    async fn afterwards(&mut self, op: &Op, result: Result<Answer>) -> Result<Answer> {
        match (self.memory.fault, op, result) {
            (Fault::CountsOne, _, Ok(Answer::Changed(0))) => Ok(Answer::Changed(1)),
            (Fault::UpdateInserts, Op::RenameTask { title, .. }, Ok(Answer::Changed(0))) => {
                self.inner.run(&Op::CreateTask { title: title.clone() }).await?;
                Ok(Answer::Changed(0))
            }
            (Fault::ComparesBytes, Op::UserByEmail(email), Ok(Answer::User(found))) => {
                Ok(Answer::User(found.filter(|user| user.email == *email)))
            }
            (_, _, result) => result,
        }
    }

    async fn remembered(&mut self, op: &Op) -> Result<Answer> {
        if let Some((_, answer)) = self.memory.cache.iter().find(|(known, _)| known == op) {
            return Ok(answer.clone());
        }
        let answer = self.inner.run(op).await?;
        self.memory.cache.push((op.clone(), answer.clone()));
        Ok(answer)
    }

    async fn change_all(&mut self, statement: Statement) -> Result<Answer> {
        self.inner.change(&statement).await.map(Answer::Changed)
    }

    async fn inner_join(&mut self) -> Result<Answer> {
        let sql =
            "SELECT t.id, t.title FROM tasks t INNER JOIN dones d ON d.id = t.id ORDER BY t.id";
        let rows = self.inner.fetch(&Statement::new(sql, [])).await?;
        let task = |row: &Vec<Value>| match row.as_slice() {
            [Value::Int(id), Value::Text(title)] => {
                Some(Task { id: *id, title: Some(title.clone()), done: true })
            }
            _ => None,
        };
        Ok(Answer::Tasks(rows.iter().filter_map(task).collect()))
    }

    async fn one_by_one(&mut self) -> Result<Answer> {
        let rows =
            self.inner.fetch(&Statement::new("SELECT id FROM tasks ORDER BY id", [])).await?;
        let mut tasks = Vec::new();
        for value in rows.into_iter().flatten() {
            if let Value::Int(id) = value {
                tasks.extend(self.inner.run(&Op::Task(id)).await?.task()?);
            }
        }
        Ok(Answer::Tasks(tasks))
    }

    /// Sends a statement of many rows without its last, or row by row.
    async fn bulk(&mut self, statement: &Statement) -> Result<Answer> {
        let sql = statement.sql(Dialect::MySql);
        let Some((head, _)) = sql.split_once("(?), ") else {
            return self.inner.change(statement).await.map(Answer::Changed);
        };
        let parameters = statement.parameters();
        if self.memory.fault == Fault::BulkLosesLast {
            let fewer = parameters.len() - 1;
            let sql = format!("{head}{}", vec!["(?)"; fewer].join(", "));
            let statement = Statement::new(sql, parameters[..fewer].to_vec());
            return self.inner.change(&statement).await.map(Answer::Changed);
        }
        let mut changed = 0;
        for parameter in parameters {
            let one = Statement::new(format!("{head}(?)"), [parameter.clone()]);
            changed += self.inner.change(&one).await?;
        }
        Ok(Answer::Changed(changed))
    }
}
