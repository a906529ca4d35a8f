// An external extension made with AWS's own, unmodified library: it subscribes to the Telemetry API, and sends what it
// is told, as the library understands it, to the address FORWARD_TO, one JSON object a line.
use lambda_extension::{service_fn, Error, Extension, LambdaEvent, LambdaTelemetry, NextEvent, SharedService};
use tokio::io::AsyncWriteExt;

async fn forward(events: Vec<LambdaTelemetry>) -> Result<(), Error> {
    let to = std::env::var("FORWARD_TO")?;
    let mut tries = 0;
    let mut stream = loop {
        match tokio::net::TcpStream::connect(&to).await {
            Ok(stream) => break stream,
            Err(_) if tries < 200 => tries += 1, // whoever listens there may start later
            Err(error) => return Err(error.into()),
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    for event in events {
        stream.write_all((serde_json::to_string(&event)? + "\n").as_bytes()).await?;
    }
    stream.shutdown().await?;
    Ok(())
}

async fn heard(event: LambdaEvent) -> Result<(), Error> {
    match event.next {
        NextEvent::Shutdown(end) => println!("forwarder ends: {}", end.shutdown_reason),
        NextEvent::Invoke(call) => println!("forwarder hears of {}", call.request_id),
    }
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    Extension::new()
        .with_events_processor(service_fn(heard))
        .with_telemetry_processor(SharedService::new(service_fn(forward)))
        .run()
        .await
}
