//! Running a program on a node without SSH in between: for tools that compare what programs print.

use std::sync::Arc;

use tokio::sync::mpsc;

use crate::error::LabError;
use crate::lab::Lab;
use crate::node::Power;
use crate::programs::{Env, Sink, Stdin, Stream};
use crate::shell;

/// Pieces of output that wait to be taken.
const OUTPUT_QUEUE: usize = 64;

/// What a line printed, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ran {
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    pub exit: i32,
}

impl Lab {
    /// Runs one line as root's login shell on that node would, and waits for its end in the node's own time.
    ///
    /// # Errors
    /// [`LabError::UnknownNode`], or [`LabError::Refused`] while the node is off.
    pub async fn run(&self, node: &str, line: &str, stdin: &[u8]) -> Result<Ran, LabError> {
        match self.shared.with(|world| world.nodes.get(node).map(|node| node.power)) {
            None => return Err(LabError::UnknownNode(node.to_owned())),
            Some(Power::Off) => return Err(LabError::Refused(node.to_owned())),
            Some(_) => {}
        }
        let (sender, mut output) = mpsc::channel(OUTPUT_QUEUE);
        let (input, source) = mpsc::unbounded_channel();
        // The receiver is alive: it was made a line above.
        let _ = input.send(stdin.to_vec());
        drop(input);
        let env = Env {
            shared: Arc::clone(&self.shared),
            node: node.to_owned(),
            user: "root".to_owned(),
            stdin: Stdin::from_channel(source),
            out: Sink::Pipe(sender.clone(), Stream::Out),
            err: Sink::Pipe(sender, Stream::Err),
        };
        let program = async move {
            let exit = shell::exec(&env, line).await;
            // Dropping the environment closes the output.
            drop(env);
            exit
        };
        let mut ran = Ran::default();
        let taken = async {
            while let Some((stream, bytes)) = output.recv().await {
                match stream {
                    Stream::Out => ran.stdout.extend_from_slice(&bytes),
                    Stream::Err => ran.stderr.extend_from_slice(&bytes),
                }
            }
        };
        let (exit, ()) = tokio::join!(program, taken);
        ran.exit = exit;
        Ok(ran)
    }
}
