// serverless-offline: answers with the event.
exports.echo = async (event) => event;
