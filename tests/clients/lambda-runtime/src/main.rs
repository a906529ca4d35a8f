//! Answers the event; as text, the event chooses a failure instead (the same words as in c_bootstrap.c).

use lambda_runtime::streaming::{channel, Body, Response};
use lambda_runtime::{service_fn, Error, LambdaEvent};
use serde_json::Value;
use std::time::Duration;

async fn handle(event: LambdaEvent<Value>) -> Result<Value, Error> {
    if let Value::String(text) = &event.payload {
        if text.starts_with("error") {
            return Err(text.clone().into());
        } else if let Some(status) = text.strip_prefix("exit ") {
            std::process::exit(status.parse()?);
        } else if let Some(milliseconds) = text.strip_prefix("sleep ") {
            tokio::time::sleep(Duration::from_millis(milliseconds.parse()?)).await;
        } else if let Some(line) = text.strip_prefix("log ") {
            println!("{}", line);
        }
    }
    Ok(event.payload)
}

async fn stream(_: LambdaEvent<Value>) -> Result<Response<Body>, Error> {
    let (mut sender, body) = channel();
    tokio::spawn(async move {
        for piece in ["one ", "two"] {
            if sender.send_data(piece.into()).await.is_err() {
                return;
            }
        }
    });
    Ok(Response::from(body))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    if std::env::var("_HANDLER").as_deref() == Ok("stream") {
        return lambda_runtime::run(service_fn(stream)).await;
    }
    lambda_runtime::run(service_fn(handle)).await
}
